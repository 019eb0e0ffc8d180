//! The exception: its chain inside out. Reading down leads from where it broke to where it entered.
//!
//! The root cause stands first, its innermost frame on top; below it "was caught, and became" and the next one. An
//! event without an exception shows its message here, and the stack of its thread.

use super::frame::{self, Scene};
use super::mechanism;
use super::report;
use super::room::Room;
use super::tree::{self, Branch};
use super::value::{self, Meta};
use bugle_event::Event;
use bugle_event::event::{Exception, Frame};
use maud::{Markup, html};

/// Exceptions of a chain that are shown.
const CHAIN_MAX: usize = 20;
/// Elements that the chain with its stacks may take.
const ELEMENTS_MAX: usize = 1_050;

/// The section.
pub fn section(event: &Event<'_>, room: &mut Room) -> Markup {
    room.share(ELEMENTS_MAX, |room| chain(event, room))
}

fn chain(event: &Event<'_>, room: &mut Room) -> Markup {
    let meta = Meta::of(event).at("exception").at("values");
    let chain: Vec<Exception<'_>> = event.exceptions().collect();
    if chain.is_empty() {
        return html! { (report::section(event, room)) (message(event)) (report::template(event, room)) (bare_stack(event, room)) };
    }
    let open = chain.iter().position(|one| frames(one).iter().any(Frame::in_app));
    let open = open.or_else(|| chain.iter().position(|one| one.stack().is_some()));
    html! {
        section.part #frame {
            header {
                h2 { "Exception" }
                @if chain.len() > 1 { small { (tree::told(&chain)) } }
            }
            div {
                @for place in tree::arrange(&chain).into_iter().take(CHAIN_MAX) {
                    @let (at, exception) = (place.at, chain[place.at]);
                    div class=[place.class()] {
                        (head(&exception, &place, &chain, meta.at(at)))
                        @let frames = frames(&exception);
                        @let first_own = frames.iter().position(Frame::in_app).unwrap_or(0);
                        @let scene = Scene { platform: event.platform(), meta: meta.at(at).at("stacktrace").at("frames") };
                        (frame::stack(&frames, (open == Some(at)).then_some(first_own), scene, room))
                    }
                }
                @if chain.len() > CHAIN_MAX { p.because { (chain.len() - CHAIN_MAX) " more of the chain are in the JSON." } }
            }
        }
        (report::template(event, room))
        @if event.message().is_some() { (message(event)) }
    }
}

/// The frames of an exception, innermost first.
fn frames<'e>(exception: &Exception<'e>) -> Vec<Frame<'e>> {
    exception.stack().map(|stack| stack.frames().rev().collect()).unwrap_or_default()
}

fn head(exception: &Exception<'_>, place: &Branch, chain: &[Exception<'_>], meta: Meta<'_>) -> Markup {
    html! {
        p.exc {
            @if let Some(led) = tree::led_here(place, chain) { span.say { (led) } " " }
            samp {
                b { (value::cut(exception.kind().unwrap_or("Error"), 300).0) } " " (value::noted(exception.value().unwrap_or(""), meta.at("value")))
            }
            @for told in mechanism::told(exception) { " " small.dim.told { (told) } }
        }
        (mechanism::data(exception, meta.at("mechanism").at("data")))
    }
}

fn message(event: &Event<'_>) -> Markup {
    let template = event.message_template().filter(|template| Some(*template) != event.message());
    let params = event.json.object("logentry").and_then(|entry| entry.get("params"));
    html! {
        @if let Some(said) = event.message() {
            section.part {
                header { h2 { "Message" } }
                div {
                    p.exc { samp { (value::noted(said, Meta::of(event).at("logentry").at("formatted"))) } }
                    @if let Some(template) = template {
                        dl.kv {
                            dt { "written as" } dd { (value::text(template)) }
                            @if let Some(params) = params { dt { "with" } dd { (value::value(params, Meta::of(event).at("logentry").at("params"))) } }
                        }
                    }
                }
            }
        }
    }
}

/// The stack of an event that has no exception.
fn bare_stack(event: &Event<'_>, room: &mut Room) -> Markup {
    let Some(stack) = event.stack() else { return html! {} };
    let frames: Vec<Frame<'_>> = stack.frames().rev().collect();
    let open = frames.iter().position(Frame::in_app).or(Some(0));
    html! {
        section.part #frame {
            header { h2 { "Stack" } small { "innermost first" } }
            div { (frame::stack(&frames, open, Scene { platform: event.platform(), meta: Meta::default() }, room)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_reads_inside_out() {
        let text = r#"{"exception":{"values":[
            {"type":"KeyError","value":"'a'","mechanism":{"source":"__context__"},
             "stacktrace":{"frames":[{"function":"outer","in_app":true},{"function":"inner","in_app":true}]}},
            {"type":"ShopError","value":"<script>","mechanism":{"type":"django","handled":false},
             "stacktrace":{"frames":[{"function":"view","in_app":true}]}}]}}"#;
        let page = section(&Event::stored(text), &mut Room::default()).into_string();
        let order = ["KeyError", "inner", "outer", "was being handled", "ShopError", "not handled, by django", "view"];
        let places: Vec<usize> = order.iter().map(|word| page.find(word).unwrap_or(0)).collect();
        assert!(places.is_sorted() && places[0] > 0, "{places:?}");
        assert_eq!(page.matches(" open>").count(), 1);
        assert!(!page.contains("<script>"));
    }

    #[test]
    fn a_message_shows_what_it_was_made_of() {
        let text = r#"{"logentry":{"message":"slow %s","formatted":"slow db","params":["db"]}}"#;
        let page = section(&Event::stored(text), &mut Room::default()).into_string();
        assert!(page.contains("slow db") && page.contains("slow %s"), "{page}");
    }
}
