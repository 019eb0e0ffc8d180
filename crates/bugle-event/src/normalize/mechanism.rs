//! Names for the numbers that a crash comes with: signals, their codes, error numbers, Mach exceptions.
//!
//! An SDK inside a crashing process has often only the numbers. What they mean depends on the system; it is known from
//! the context `os`, else from the platform. Where it is not known, a number gets a name only if it has the same one on
//! all systems: a wrong name is worse than none. A name that came along stays.

use crate::Event;
use crate::json::{Json, Object};

#[derive(Clone, Copy, PartialEq, Eq)]
enum System {
    Linux,
    Darwin,
    Windows,
    Unknown,
}

/// Fills in names in the `meta` of every mechanism.
pub(super) fn name_numbers(event: &mut Event<'_>) {
    let exceptions = event.json.object("exception").map(|list| list.array("values")).unwrap_or(&[]);
    let has_meta = |exception: &Json<'_>| meta_of(exception).is_some();
    if !exceptions.iter().any(has_meta) {
        return;
    }
    let system = System::of(event);
    let list = event.json.get_mut("exception").and_then(|list| list.object_mut()?.get_mut("values"));
    let Some(Json::Array(exceptions)) = list else { return };
    for exception in exceptions {
        let meta =
            exception.object_mut().and_then(|exception| exception.get_mut("mechanism")?.object_mut()?.get_mut("meta"));
        let Some(Json::Object(meta)) = meta else { continue };
        if let Some(Json::Object(signal)) = meta.get_mut("signal") {
            name(signal, "number", "name", |number| signal_name(system, number));
            let number = signal.get("number").and_then(Json::int).unwrap_or_default();
            name(signal, "code", "code_name", |code| code_name(system, number, code));
        }
        if let Some(Json::Object(errno)) = meta.get_mut("errno") {
            name(errno, "number", "name", |number| errno_name(system, number));
        }
        if let Some(Json::Object(mach)) = meta.get_mut("mach_exception") {
            name(mach, "exception", "name", mach_name);
        }
    }
}

fn meta_of<'e, 'a>(exception: &'e Json<'a>) -> Option<&'e Object<'a>> {
    exception.object()?.object("mechanism")?.object("meta")
}

/// Sets `name` by the number at `number`, unless it is there.
fn name(object: &mut Object<'_>, number: &str, name: &'static str, of: impl Fn(i64) -> Option<&'static str>) {
    if object.text(name).is_none()
        && let Some(found) = object.get(number).and_then(Json::int).and_then(of)
    {
        object.set(name, found);
    }
}

impl System {
    fn of(event: &Event<'_>) -> System {
        let os =
            event.json.object("contexts").and_then(|contexts| contexts.object("os")).and_then(|os| os.text("name"));
        match os.map(str::to_ascii_lowercase).as_deref() {
            Some("linux" | "android" | "ubuntu" | "debian" | "fedora" | "alpine linux") => System::Linux,
            Some("macos" | "mac os x" | "ios" | "ipados" | "tvos" | "watchos" | "visionos" | "darwin") => {
                System::Darwin
            }
            Some(windows) if windows.starts_with("windows") => System::Windows,
            _ if matches!(event.platform(), "cocoa" | "objc") => System::Darwin,
            _ => System::Unknown,
        }
    }

    /// What `of` says for the system; if that is not known, what it says for all that have such numbers.
    fn agree(self, of: impl Fn(System) -> Option<&'static str>) -> Option<&'static str> {
        match self {
            System::Unknown => of(System::Linux).filter(|name| of(System::Darwin) == Some(name)),
            System::Windows => None,
            known => of(known),
        }
    }
}

/// Signals from 1.
const LINUX_SIGNALS: &str = "SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 \
    SIGPIPE SIGALRM SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM \
    SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS";
const DARWIN_SIGNALS: &str = "SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGEMT SIGFPE SIGKILL SIGBUS SIGSEGV SIGSYS \
    SIGPIPE SIGALRM SIGTERM SIGURG SIGSTOP SIGTSTP SIGCONT SIGCHLD SIGTTIN SIGTTOU SIGIO SIGXCPU SIGXFSZ SIGVTALRM \
    SIGPROF SIGWINCH SIGINFO SIGUSR1 SIGUSR2";

fn signal_name(system: System, number: i64) -> Option<&'static str> {
    // Windows has the few signals of the C language, with the numbers that all agree about.
    let system = if system == System::Windows { System::Unknown } else { system };
    system.agree(|system| nth(if system == System::Linux { LINUX_SIGNALS } else { DARWIN_SIGNALS }, number))
}

/// Codes of one signal from 1, by system.
const CODES: &[(&str, &str, &str)] = &[
    (
        "SIGILL",
        "ILL_ILLOPC ILL_ILLOPN ILL_ILLADR ILL_ILLTRP ILL_PRVOPC ILL_PRVREG ILL_COPROC ILL_BADSTK",
        "ILL_ILLOPC ILL_ILLTRP ILL_PRVOPC ILL_ILLOPN ILL_ILLADR ILL_PRVREG ILL_COPROC ILL_BADSTK",
    ),
    (
        "SIGFPE",
        "FPE_INTDIV FPE_INTOVF FPE_FLTDIV FPE_FLTOVF FPE_FLTUND FPE_FLTRES FPE_FLTINV FPE_FLTSUB",
        "FPE_FLTDIV FPE_FLTOVF FPE_FLTUND FPE_FLTRES FPE_FLTINV FPE_FLTSUB FPE_INTDIV FPE_INTOVF",
    ),
    ("SIGSEGV", "SEGV_MAPERR SEGV_ACCERR SEGV_BNDERR SEGV_PKUERR", "SEGV_MAPERR SEGV_ACCERR"),
    ("SIGBUS", "BUS_ADRALN BUS_ADRERR BUS_OBJERR BUS_MCEERR_AR BUS_MCEERR_AO", "BUS_ADRALN BUS_ADRERR BUS_OBJERR"),
    ("SIGTRAP", "TRAP_BRKPT TRAP_TRACE TRAP_BRANCH TRAP_HWBKPT", "TRAP_BRKPT TRAP_TRACE"),
];

fn code_name(system: System, signal: i64, code: i64) -> Option<&'static str> {
    system.agree(|system| {
        let signal = signal_name(system, signal)?;
        match (system, code) {
            (System::Linux, 0) => return Some("SI_USER"),
            (System::Linux, 128) => return Some("SI_KERNEL"),
            (System::Linux, -1) => return Some("SI_QUEUE"),
            (System::Linux, -6) => return Some("SI_TKILL"),
            (System::Darwin, 0x10001) => return Some("SI_USER"),
            _ => {}
        }
        let (_, linux, darwin) = CODES.iter().find(|(name, ..)| *name == signal)?;
        nth(if system == System::Linux { linux } else { darwin }, code)
    })
}

/// Error numbers from 1. Up to 34 all systems of this kind agree, but for 11.
const LINUX_ERRNOS: &str = "EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK \
    EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE \
    EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG \
    EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG \
    EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD \
    ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT \
    EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH \
    ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN \
    EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE \
    ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON";
const DARWIN_ERRNOS: &str = "EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EDEADLK ENOMEM EACCES EFAULT ENOTBLK \
    EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE \
    EDOM ERANGE EAGAIN EINPROGRESS EALREADY ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT \
    ESOCKTNOSUPPORT ENOTSUP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED \
    ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED ELOOP ENAMETOOLONG EHOSTDOWN \
    EHOSTUNREACH ENOTEMPTY EPROCLIM EUSERS EDQUOT ESTALE EREMOTE EBADRPC ERPCMISMATCH EPROGUNAVAIL EPROGMISMATCH \
    EPROCUNAVAIL ENOLCK ENOSYS EFTYPE EAUTH ENEEDAUTH EPWROFF EDEVERR EOVERFLOW EBADEXEC EBADARCH ESHLIBVERS EBADMACHO \
    ECANCELED EIDRM ENOMSG EILSEQ ENOATTR EBADMSG EMULTIHOP ENODATA ENOLINK ENOSR ENOSTR EPROTO ETIME EOPNOTSUPP ENOPOLICY \
    ENOTRECOVERABLE EOWNERDEAD EQFULL";

fn errno_name(system: System, number: i64) -> Option<&'static str> {
    system.agree(|system| nth(if system == System::Linux { LINUX_ERRNOS } else { DARWIN_ERRNOS }, number))
}

const MACH_EXCEPTIONS: &str = "EXC_BAD_ACCESS EXC_BAD_INSTRUCTION EXC_ARITHMETIC EXC_EMULATION EXC_SOFTWARE EXC_BREAKPOINT \
    EXC_SYSCALL EXC_MACH_SYSCALL EXC_RPC_ALERT EXC_CRASH EXC_RESOURCE EXC_GUARD EXC_CORPSE_NOTIFY";

fn mach_name(exception: i64) -> Option<&'static str> {
    nth(MACH_EXCEPTIONS, exception)
}

/// The word of a table that stands for `number`, from 1. `-` is a gap.
fn nth(table: &'static str, number: i64) -> Option<&'static str> {
    let at = usize::try_from(number).ok()?.checked_sub(1)?;
    table.split_ascii_whitespace().nth(at).filter(|name| *name != "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(os: &str, platform: &str, meta: &str) -> String {
        let json = format!(
            r#"{{"platform":"{platform}","contexts":{{"os":{{"name":"{os}"}}}},"exception":{{"values":[{{"mechanism":{{"meta":{meta}}}}}]}}}}"#
        );
        let mut event = Event::stored(&json);
        name_numbers(&mut event);
        event
            .exceptions()
            .next()
            .unwrap()
            .mechanism()
            .unwrap()
            .object("meta")
            .map(|meta| Json::Object(meta.clone()).to_string())
            .unwrap()
    }

    #[test]
    fn numbers_of_a_crash_get_their_names_by_system() {
        const BUS: &str = r#"{"signal":{"number":10,"code":2}}"#;
        for (os, platform, meta, expected) in [
            (
                "Linux",
                "native",
                r#"{"signal":{"number":11,"code":1}}"#,
                r#"{"signal":{"number":11,"code":1,"name":"SIGSEGV","code_name":"SEGV_MAPERR"}}"#,
            ),
            ("macOS", "native", BUS, r#"{"signal":{"number":10,"code":2,"name":"SIGBUS","code_name":"BUS_ADRERR"}}"#),
            ("", "cocoa", BUS, r#"{"signal":{"number":10,"code":2,"name":"SIGBUS","code_name":"BUS_ADRERR"}}"#),
            ("Android", "native", BUS, r#"{"signal":{"number":10,"code":2,"name":"SIGUSR1"}}"#),
            ("", "native", BUS, BUS),
            ("", "native", r#"{"signal":{"number":"11"}}"#, r#"{"signal":{"number":"11","name":"SIGSEGV"}}"#),
            (
                "Linux",
                "native",
                r#"{"signal":{"number":6,"code":-6}}"#,
                r#"{"signal":{"number":6,"code":-6,"name":"SIGABRT","code_name":"SI_TKILL"}}"#,
            ),
            (
                "Linux",
                "native",
                r#"{"signal":{"number":11,"name":"MINE"}}"#,
                r#"{"signal":{"number":11,"name":"MINE"}}"#,
            ),
            ("Linux", "native", r#"{"errno":{"number":111}}"#, r#"{"errno":{"number":111,"name":"ECONNREFUSED"}}"#),
            ("iOS", "cocoa", r#"{"errno":{"number":61}}"#, r#"{"errno":{"number":61,"name":"ECONNREFUSED"}}"#),
            ("", "python", r#"{"errno":{"number":2}}"#, r#"{"errno":{"number":2,"name":"ENOENT"}}"#),
            ("", "python", r#"{"errno":{"number":11}}"#, r#"{"errno":{"number":11}}"#),
            ("Windows", "native", r#"{"errno":{"number":2}}"#, r#"{"errno":{"number":2}}"#),
            (
                "",
                "cocoa",
                r#"{"mach_exception":{"exception":1,"code":1}}"#,
                r#"{"mach_exception":{"exception":1,"code":1,"name":"EXC_BAD_ACCESS"}}"#,
            ),
            (
                "Linux",
                "native",
                r#"{"signal":{"number":-1},"errno":{"number":999999999999}}"#,
                r#"{"signal":{"number":-1},"errno":{"number":999999999999}}"#,
            ),
        ] {
            assert_eq!(named(os, platform, meta), expected, "{os} {platform} {meta}");
        }
    }

    #[test]
    fn tables_are_complete() {
        let count = |table: &str| table.split_ascii_whitespace().count();
        assert_eq!((count(LINUX_SIGNALS), count(DARWIN_SIGNALS)), (31, 31));
        assert_eq!((count(LINUX_ERRNOS), count(DARWIN_ERRNOS)), (133, 106));
        assert_eq!((nth(DARWIN_ERRNOS, 60), nth(LINUX_ERRNOS, 110)), (Some("ETIMEDOUT"), Some("ETIMEDOUT")));
    }
}
