//! Pages as files, to be looked at. `BUGLE_GALLERY=folder cargo test -p bugle gallery -- --ignored`, then open them
//! in a browser; each also in the dark theme.

use super::house::{Answer, House};
use super::seed;
use crate::limit::watch::Watch;
use crate::limit::{self, Month, ProjectLimits, Rate};
use crate::ui::assets::{SCRIPT, STYLES};

#[tokio::test]
#[ignore = "writes files for people to look at"]
async fn gallery() {
    let folder = std::path::PathBuf::from(std::env::var("BUGLE_GALLERY").expect("BUGLE_GALLERY names a folder"));
    let mut house = House::new().await;
    write(&folder, "empty", &house.get("/issues").await);
    seed::night(&mut house).await;
    house.post("/issues/1/assignment", "assignee=1").await;
    house.post("/issues/3/resolution", "").await;
    house.post("/issues/1/comments", "text=Only+cards+in+wallets%2C+and+only+where+there+are+no+postcodes.").await;
    house.post("/issues/1/resolution", "").await;
    house.send(1, vec![seed::payment(crate::store::now_ms() + 1_000, 200)]).await;
    for (name, path) in [
        ("inbox", "/issues"),
        ("inbox-24h", "/issues?range=24h&project=shop-api"),
        ("inbox-none", "/issues?q=nothing+like+this"),
        ("inbox-wrong", "/issues?q=levle:error"),
        ("issue", "/issues/1"),
        ("issue-long", "/issues/13"),
        ("issue-message", "/issues/6"),
        ("events", "/issues/1/events"),
        ("deletion", "/issues/1/deletion"),
        ("keys", "/help/keys"),
        ("missing", "/issues/999"),
    ] {
        write(&folder, name, &house.get(path).await);
    }
    limits(&folder, &house).await;
}

#[tokio::test]
#[ignore = "writes files for people to look at"]
async fn gallery_of_monitors() {
    let folder = std::path::PathBuf::from(std::env::var("BUGLE_GALLERY").expect("BUGLE_GALLERY names a folder"));
    let house = House::new().await;
    let shop = house.project("Shop API").await;
    write(&folder, "monitors-none", &house.get("/monitors?project=shop-api").await);
    super::monitors::jobs(&house, shop).await;
    for (name, path) in [("monitors", "/monitors"), ("monitor", "/monitors/2")] {
        write(&folder, name, &house.get(path).await);
    }
}

/// Limits of a project without any, nearly used up, and used up.
async fn limits(folder: &std::path::Path, house: &House) {
    write(folder, "limits-none", &house.get("/projects/shop-web/limits").await);
    let now_ms = crate::store::now_ms();
    house.app.door.limits.begin(&Month::at(now_ms), &[(1, 1, 84_210)]);
    for (name, quota) in [("limits", 100_000), ("limits-full", 84_000)] {
        let rate = Some(Rate { count: 5_000, window_s: 3_600 });
        let set = ProjectLimits { rate, month_events_max: Some(quota), is_spike_protected: true };
        house.app.store.write(move |tx| limit::set_project(tx, 1, &set)).await.expect("is set");
        Watch::default().look(&house.app, now_ms).await.expect("looks");
        write(folder, name, &house.get("/projects/shop-api/limits").await);
    }
    write(folder, "inbox-full", &house.get("/issues?project=shop-api").await);
    write(folder, "settings", &house.get("/settings").await);
    write(folder, "deliveries", &house.get("/deliveries").await);
}

#[tokio::test]
#[ignore = "writes files for people to look at"]
async fn gallery_of_filters() {
    let folder = std::path::PathBuf::from(std::env::var("BUGLE_GALLERY").expect("BUGLE_GALLERY names a folder"));
    let mut house = House::new().await;
    seed::night(&mut house).await;
    let base = "/projects/shop-api/filters";
    write(&folder, "filters-none", &house.get(base).await);
    let settings = "on=localhost&on=web-crawlers&releases=shop@3.*%0D%0A*-beta&browsers=default";
    house.post(base, &format!("act=save&{settings}")).await;
    let rows = "field=error.type&tag=&negated=&op=is&values=ReadTimeout%0D%0AOperationalError&\
                field=tag&tag=server_name&negated=not&op=starts&values=web-";
    let rule = format!("name=Timeouts+at+night&note=The+tax+office+is+down+until+May.&match=all&active=on&{rows}");
    house.post(&format!("{base}/rules"), &format!("act=save&{rule}")).await;
    house.post(&format!("{base}/rules"), &format!("act=save&{}", rule.replace("active=on&", ""))).await;
    let drop = |tx: &mut bugle_db::Tx<'_>| {
        let mut sums = crate::filter::drops::Sums::default();
        for n in 0..1_204 {
            let by = bugle_event::filter::By::Rule(1);
            sums.add(1, by, crate::store::now_ms() - 180_000 - n * 700_000);
        }
        sums.write(tx)
    };
    house.app.store.write(drop).await.expect("writes");
    write(&folder, "filters", &house.get(base).await);
    write(&folder, "filters-wrong", &house.post(base, "act=save&addresses=nowhere").await);
    write(&folder, "filters-rule", &house.get(&format!("{base}/rules/1")).await);
    write(&folder, "filters-new", &house.get(&format!("{base}/rules/new")).await);
    write(&folder, "filters-json", &house.post(&format!("{base}/rules/1"), &format!("act=json&{rule}")).await);
    write(&folder, "filters-tried", &house.post(&format!("{base}/rules/1"), &format!("act=try&days=14&{rule}")).await);
    write(
        &folder,
        "filters-slip",
        &house.post(&format!("{base}/rules"), "act=save&name=x&field=url&op=is&values=").await,
    );
}

#[tokio::test]
#[ignore = "writes files for people to look at"]
async fn gallery_of_the_ledger() {
    let folder = std::path::PathBuf::from(std::env::var("BUGLE_GALLERY").expect("BUGLE_GALLERY names a folder"));
    let mut house = House::new().await;
    house.project("Shop API").await;
    house.project("Shop web").await;
    house.send(1, vec![seed::payment(crate::store::now_ms(), 1)]).await;
    seed::flood(&house, 1).await;
    let id = "00000001000000000000000000000001";
    for (name, path) in [
        ("ledger", "/projects/shop-api/ledger".to_string()),
        ("ledger-7d", "/projects/shop-api/ledger?range=7d&key=1".into()),
        ("ledger-90d", "/projects/shop-api/ledger?range=90d".into()),
        ("ledger-empty", "/projects/shop-web/ledger".into()),
        ("ledger-stored", format!("/projects/shop-api/ledger?item={id}")),
        ("ledger-unknown", format!("/projects/shop-api/ledger?item={}", id.replace('0', "f"))),
        ("ledger-server", "/ledger".into()),
        ("limits", "/help/limits".into()),
    ] {
        write(&folder, name, &house.get(&path).await);
    }
}

/// Events of every shape, as the door reads them.
#[tokio::test]
#[ignore = "writes files for people to look at"]
async fn gallery_of_shapes() {
    let folder = std::path::PathBuf::from(std::env::var("BUGLE_GALLERY").expect("BUGLE_GALLERY names a folder"));
    let mut house = House::new().await;
    let project = house.project("Shop API").await;
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/sentry");
    for (at, name) in
        ["exception-group", "everything", "native-crash", "csp-interface", "wrong-types"].iter().enumerate()
    {
        let payload = std::fs::read_to_string(format!("{root}/{name}/payload.json")).expect("a payload");
        house.receive(project, &[&payload]).await;
        write(&folder, name, &house.get(&format!("/issues/{}", at + 1)).await);
    }
    house.receive(project, &[&seed::cut()]).await;
    write(&folder, "cut", &house.get("/issues/6").await);
}

#[tokio::test]
#[ignore = "writes files for people to look at"]
async fn gallery_of_releases() {
    let folder = std::path::PathBuf::from(std::env::var("BUGLE_GALLERY").expect("BUGLE_GALLERY names a folder"));
    let mut house = House::new().await;
    write(&folder, "releases-empty", &house.get("/releases").await);
    let shop = seed::night(&mut house).await;
    seed::releases(&mut house, shop).await;
    for (name, path) in [
        ("releases", "/releases"),
        ("releases-24h", "/releases?range=24h&project=shop-api&environment=staging"),
        ("releases-none", "/releases?q=nothing"),
        ("release", "/releases/shop.api%404.18.2?project=shop-api"),
        ("release-24h", "/releases/shop.api%404.18.2?project=shop-api&range=24h"),
        ("release-quiet", "/releases/9ec79c33ec9942ab8353589fcb2e04dc?project=shop-api"),
    ] {
        write(&folder, name, &house.get(path).await);
    }
}

/// What a project is set to, with much of its own in store.
#[tokio::test]
#[ignore = "writes files for people to look at"]
async fn gallery_of_settings() {
    let folder = std::path::PathBuf::from(std::env::var("BUGLE_GALLERY").expect("BUGLE_GALLERY names a folder"));
    let house = super::attachments::house().await;
    for (name, path) in [
        ("attachments", "/issues/1"),
        ("project", "/projects/shop/settings"),
        ("intake", "/projects/shop/intake"),
        ("storage", "/projects/shop/storage"),
    ] {
        write(&folder, name, &house.get(path).await);
    }
}

pub(super) fn write(folder: &std::path::Path, name: &str, answer: &Answer) {
    std::fs::create_dir_all(folder).expect("a folder");
    let mut page = answer.text.clone();
    for style in STYLES.iter().map(|style| &style.path).chain([&SCRIPT.path]) {
        let file = style.trim_start_matches("/assets/");
        let plain =
            format!("{}.{}", file.split('-').next().expect("a name"), file.rsplit('.').next().expect("an ending"));
        page = page.replace(style, &format!("assets/{plain}"));
    }
    std::fs::write(folder.join(format!("{name}.html")), &page).expect("is written");
    let dark = page.replace("<html lang=\"en\">", "<html lang=\"en\" data-theme=\"dark\">");
    std::fs::write(folder.join(format!("{name}-dark.html")), dark).expect("is written");
}

#[tokio::test]
#[ignore = "writes files for people to look at"]
async fn gallery_of_privacy() {
    let folder = std::path::PathBuf::from(std::env::var("BUGLE_GALLERY").expect("BUGLE_GALLERY names a folder"));
    let mut house = House::new().await;
    house.project("Shop API").await;
    house.send(1, vec![seed::payment(crate::store::now_ms(), 1)]).await;
    house.post("/settings/privacy", "act=save&scrub=on&defaults=on&binary=on&sensitive=iban").await;
    let path = "/projects/shop-api/privacy";
    let form = "scrub=on&defaults=on&addresses=on&sensitive=badge%0Alocker&safe=author&kind=email&selector=extra.**&method=mask";
    house.post(path, &format!("act=save&{form}")).await;
    write(&folder, "privacy", &house.get(path).await);
    let sample = "%7B%22message%22%3A%22login%20of%20jo%40x.example%20with%20password%3Dhunter2%20from%2010.0.0.1%22%2C%22extra%22%3A%7B%22badge%22%3A%22B-7%22%7D%7D";
    let form = form.replace("extra.**", "**");
    write(&folder, "privacy-tried", &house.post(path, &format!("act=try&{form}&sample={sample}")).await);
    write(&folder, "privacy-refused", &house.post(path, "act=save&kind=pattern&pattern=(x&selector=**").await);
    write(&folder, "privacy-organization", &house.get("/settings/privacy").await);
}
