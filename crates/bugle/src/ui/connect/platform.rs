//! Platforms and how their Sentry SDK is installed, configured and tried. Data: `{dsn}` stands for the DSN, `{app}`
//! for the project's slug.

use maud::{Markup, html};

/// A platform of the setup page.
pub struct Platform {
    /// As it is stored and stands in addresses.
    pub id: &'static str,
    /// As people call it.
    pub name: &'static str,
    /// What installs the SDK.
    pub install: &'static str,
    /// What configures it.
    pub configure: &'static str,
    /// Where that belongs, or what else to know; may be empty.
    pub hint: &'static str,
    /// What sends a first event.
    pub raise: &'static str,
}

/// The platform with this id.
pub fn find(id: &str) -> Option<&'static Platform> {
    PLATFORMS.iter().find(|platform| platform.id == id)
}

/// `id` if it is a platform's, else the empty one: not chosen.
pub fn known(id: &str) -> &'static str {
    find(id).map_or("", |platform| platform.id)
}

/// A field to choose one.
pub fn select(chosen: &str) -> Markup {
    html! {
        p.field {
            label for="platform" { "Platform" }
            select #platform name="platform" {
                option value="" selected[chosen.is_empty()] { "Choose later" }
                @for platform in PLATFORMS {
                    option value=(platform.id) selected[platform.id == chosen] { (platform.name) }
                }
            }
        }
    }
}

/// All of them, the most asked for first.
pub const PLATFORMS: &[Platform] = &[
    Platform {
        id: "python",
        name: "Python",
        install: "pip install --upgrade sentry-sdk",
        configure: r#"import sentry_sdk

sentry_sdk.init(
    dsn="{dsn}",
    release="{app}@1.0.0",
    environment="production",
)"#,
        hint: "Put it where the program starts. Django, Flask, FastAPI and Celery are recognised by themselves.",
        raise: r#"sentry_sdk.capture_exception(ZeroDivisionError("first call"))"#,
    },
    Platform {
        id: "javascript",
        name: "JavaScript, browser",
        install: "npm install @sentry/browser",
        configure: r#"import * as Sentry from "@sentry/browser";

Sentry.init({
  dsn: "{dsn}",
  release: "{app}@1.0.0",
  environment: "production",
});"#,
        hint: "Put it before everything else. React, Vue, Angular and Svelte have packages of their own that take the same.",
        raise: r#"Sentry.captureException(new Error("first call"));"#,
    },
    Platform {
        id: "node",
        name: "Node.js",
        install: "npm install @sentry/node",
        configure: r#"const Sentry = require("@sentry/node");

Sentry.init({
  dsn: "{dsn}",
  release: "{app}@1.0.0",
  environment: "production",
});"#,
        hint: "Put it into instrument.js and load that first: node --require ./instrument.js app.js",
        raise: r#"Sentry.captureException(new Error("first call"));"#,
    },
    Platform {
        id: "java",
        name: "Java, Kotlin",
        install: r#"implementation("io.sentry:sentry:8.+")"#,
        configure: r#"import io.sentry.Sentry;

Sentry.init(options -> {
    options.setDsn("{dsn}");
    options.setRelease("{app}@1.0.0");
    options.setEnvironment("production");
});"#,
        hint: "The first line is for Gradle. Spring Boot, Logback and Log4j have packages of their own that take the same.",
        raise: r#"Sentry.captureException(new IllegalStateException("first call"));"#,
    },
    Platform {
        id: "go",
        name: "Go",
        install: "go get github.com/getsentry/sentry-go",
        configure: r#"err := sentry.Init(sentry.ClientOptions{
	Dsn:         "{dsn}",
	Release:     "{app}@1.0.0",
	Environment: "production",
})
if err != nil {
	log.Fatal(err)
}
defer sentry.Flush(2 * time.Second)"#,
        hint: "Put it at the beginning of main.",
        raise: r#"sentry.CaptureException(errors.New("first call"))"#,
    },
    Platform {
        id: "rust",
        name: "Rust",
        install: "cargo add sentry",
        configure: r#"let _guard = sentry::init(("{dsn}", sentry::ClientOptions {
    release: sentry::release_name!(),
    environment: Some("production".into()),
    ..Default::default()
}));"#,
        hint: "Put it at the beginning of main and keep the guard: what waits is sent when it goes. Panics are reported by themselves.",
        raise: r#"sentry::capture_error(&std::io::Error::other("first call"));"#,
    },
    Platform {
        id: "ruby",
        name: "Ruby",
        install: "bundle add sentry-ruby",
        configure: r#"require "sentry-ruby"

Sentry.init do |config|
  config.dsn = "{dsn}"
  config.release = "{app}@1.0.0"
  config.environment = "production"
end"#,
        hint: "For Rails, add sentry-rails too and put it into config/initializers/sentry.rb.",
        raise: r#"Sentry.capture_exception(RuntimeError.new("first call"))"#,
    },
    Platform {
        id: "php",
        name: "PHP",
        install: "composer require sentry/sentry",
        configure: r#"\Sentry\init([
    'dsn' => '{dsn}',
    'release' => '{app}@1.0.0',
    'environment' => 'production',
]);"#,
        hint: "Put it after the autoloader. Laravel and Symfony have packages of their own that take the same DSN.",
        raise: r#"\Sentry\captureException(new \RuntimeException('first call'));"#,
    },
    Platform {
        id: "dotnet",
        name: ".NET",
        install: "dotnet add package Sentry",
        configure: r#"using Sentry;

using var sentry = SentrySdk.Init(options =>
{
    options.Dsn = "{dsn}";
    options.Release = "{app}@1.0.0";
    options.Environment = "production";
});"#,
        hint: "For ASP.NET Core take Sentry.AspNetCore and builder.WebHost.UseSentry(…) with the same options.",
        raise: r#"SentrySdk.CaptureException(new InvalidOperationException("first call"));"#,
    },
    Platform {
        id: "cocoa",
        name: "Swift, Objective-C",
        install: "https://github.com/getsentry/sentry-cocoa.git",
        configure: r#"import Sentry

SentrySDK.start { options in
    options.dsn = "{dsn}"
    options.releaseName = "{app}@1.0.0"
    options.environment = "production"
}"#,
        hint: "The first line is the package for Xcode. Start it in application(_:didFinishLaunchingWithOptions:).",
        raise: r#"SentrySDK.capture(error: NSError(domain: "first call", code: 1))"#,
    },
    Platform {
        id: "android",
        name: "Android",
        install: r#"implementation("io.sentry:sentry-android:8.+")"#,
        configure: r#"<meta-data android:name="io.sentry.dsn" android:value="{dsn}" />
<meta-data android:name="io.sentry.environment" android:value="production" />"#,
        hint: "It belongs into the application element of AndroidManifest.xml.",
        raise: r#"Sentry.captureException(IllegalStateException("first call"))"#,
    },
    Platform {
        id: "native",
        name: "C, C++",
        install: "https://github.com/getsentry/sentry-native/releases",
        configure: r#"sentry_options_t *options = sentry_options_new();
sentry_options_set_dsn(options, "{dsn}");
sentry_options_set_release(options, "{app}@1.0.0");
sentry_options_set_environment(options, "production");
sentry_init(options);"#,
        hint: "Call sentry_close() before the program ends.",
        raise: r#"sentry_capture_event(sentry_value_new_message_event(SENTRY_LEVEL_ERROR, "first", "first call"));"#,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_names_its_dsn_once() {
        for platform in PLATFORMS {
            assert_eq!(platform.configure.matches("{dsn}").count(), 1, "{}", platform.id);
            assert!(platform.install.len() > 5 && platform.raise.contains("first"), "{}", platform.id);
            assert_eq!(known(platform.id), platform.id);
        }
        assert_eq!(known("cobol"), "");
    }
}
