//! The VFS: the system's, with a few of its functions taken over.
//!
//! A file is opened by the system's VFS into the memory that SQLite has for it. Then its table of methods is replaced by a copy
//! in which four of them are ours; everything else (reading, locking, the shared memory of the log) is the system's own code on
//! its own data. Ours look up the file by its address.

use crate::{Change, Fate, Fault, Plan};
use rusqlite::ffi;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, Once, PoisonError};

/// The name that a URI chooses it by.
pub(crate) const NAME: &str = "bugle-fault";
const NAME_C: &CStr = c"bugle-fault";

/// Folders that were taken over.
static FOLDERS: LazyLock<Mutex<HashMap<PathBuf, Arc<Plan>>>> = LazyLock::new(Mutex::default);
/// Files that are open, by the address of what SQLite holds for them.
static FILES: LazyLock<Mutex<HashMap<usize, File>>> = LazyLock::new(Mutex::default);

#[derive(Clone)]
struct File {
    path: PathBuf,
    plan: Arc<Plan>,
    /// The system's table of methods.
    system: Methods,
}

/// A table that lives as long as the process: SQLite's own are static.
#[derive(Clone, Copy)]
struct Methods(&'static ffi::sqlite3_io_methods);

/// Takes over a folder.
pub(crate) fn take_over(folder: &Path) -> Arc<Plan> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(register);
    let plan = Arc::<Plan>::default();
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned(), Arc::clone(&plan));
    plan
}

fn plan_of(path: &Path) -> Option<Arc<Plan>> {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).get(path.parent()?).cloned()
}

fn file(at: *mut ffi::sqlite3_file) -> File {
    let files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    files.get(&(at as usize)).cloned().expect("only files that were opened here have these methods")
}

#[allow(unsafe_code)]
fn register() {
    // SAFETY: the default VFS is there as soon as SQLite is initialized, which `sqlite3_vfs_find` does, and is never freed. A
    // copy of it is complete, since its functions find their data in `pAppData`. The copy is leaked, as SQLite keeps it.
    unsafe {
        let mut vfs = Box::new(*system());
        vfs.zName = NAME_C.as_ptr();
        vfs.pNext = std::ptr::null_mut();
        vfs.xOpen = Some(open);
        vfs.xDelete = Some(delete);
        let registered = ffi::sqlite3_vfs_register(Box::into_raw(vfs), 0);
        assert_eq!(registered, ffi::SQLITE_OK, "the VFS is registered");
    }
}

#[allow(unsafe_code)]
fn system() -> *mut ffi::sqlite3_vfs {
    // SAFETY: null asks for the default; ours is registered as another.
    let found = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
    assert!(!found.is_null(), "SQLite has a default VFS");
    found
}

#[allow(unsafe_code)]
fn path(name: *const c_char) -> Option<PathBuf> {
    // SAFETY: SQLite passes null (a temporary file) or a text that ends in 0 and lives during the call.
    let name = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })?;
    name.to_str().ok().map(PathBuf::from)
}

#[allow(unsafe_code)]
unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    at: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let system_vfs = system();
    // SAFETY: all arguments are SQLite's own, passed on to the VFS whose `szOsFile` ours has copied. After a success `pMethods`
    // points to one of the system's static tables; the table that replaces it is leaked, and differs in four entries.
    unsafe {
        let Some(system_open) = (*system_vfs).xOpen else { return ffi::SQLITE_ERROR };
        let result = system_open(system_vfs, name, at, flags, out_flags);
        let Some(path) = path(name) else { return result };
        if let (ffi::SQLITE_OK, Some(plan), Some(methods)) = (result, plan_of(&path), (*at).pMethods.as_ref()) {
            let ours = Box::new(ffi::sqlite3_io_methods {
                xWrite: Some(write),
                xTruncate: Some(truncate),
                xSync: Some(sync),
                xClose: Some(close),
                ..*methods
            });
            plan.opened(&path);
            let opened = File { path, plan, system: Methods(methods) };
            FILES.lock().unwrap_or_else(PoisonError::into_inner).insert(at as usize, opened);
            (*at).pMethods = Box::leak(ours);
        }
        result
    }
}

#[allow(unsafe_code)]
unsafe extern "C" fn delete(_vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    let system_vfs = system();
    // SAFETY: passed on as it came.
    let result = unsafe {
        match (*system_vfs).xDelete {
            Some(system_delete) => system_delete(system_vfs, name, sync_dir),
            None => ffi::SQLITE_ERROR,
        }
    };
    if let Some((path, plan)) = path(name).and_then(|path| plan_of(&path).map(|plan| (path, plan))) {
        plan.deleted(&path);
    }
    result
}

fn code(fault: Fault) -> c_int {
    match fault {
        Fault::Write => ffi::SQLITE_IOERR_WRITE,
        Fault::Full => ffi::SQLITE_FULL,
        Fault::Sync => ffi::SQLITE_IOERR_FSYNC,
    }
}

#[allow(unsafe_code)]
unsafe extern "C" fn write(at: *mut ffi::sqlite3_file, bytes: *const c_void, count: c_int, offset: i64) -> c_int {
    let file = file(at);
    let Some(system_write) = file.system.0.xWrite else { return ffi::SQLITE_ERROR };
    match file.plan.write(&file.path) {
        Fate::Pass => {
            let length = usize::try_from(count).unwrap_or_default();
            // SAFETY: a buffer that SQLite says has `count` bytes.
            let copy = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) }.to_vec();
            file.plan.changed(&file.path, Change::Write(usize::try_from(offset).unwrap_or_default(), copy));
            // SAFETY: passed on as it came.
            unsafe { system_write(at, bytes, count, offset) }
        }
        Fate::Fail(fault) => {
            // SAFETY: half of a buffer that SQLite says has `count` bytes.
            unsafe { system_write(at, bytes, count / 2, offset) };
            code(fault)
        }
    }
}

#[allow(unsafe_code)]
unsafe extern "C" fn truncate(at: *mut ffi::sqlite3_file, size: i64) -> c_int {
    let file = file(at);
    match (file.plan.write(&file.path), file.system.0.xTruncate) {
        (Fate::Pass, Some(system_truncate)) => {
            file.plan.changed(&file.path, Change::Truncate(usize::try_from(size).unwrap_or_default()));
            // SAFETY: passed on as it came.
            unsafe { system_truncate(at, size) }
        }
        _ => ffi::SQLITE_IOERR_TRUNCATE,
    }
}

#[allow(unsafe_code)]
unsafe extern "C" fn sync(at: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let file = file(at);
    let result = match (file.plan.sync(&file.path), file.system.0.xSync) {
        // SAFETY: passed on as it came.
        (Fate::Pass, Some(system_sync)) => unsafe { system_sync(at, flags) },
        (Fate::Fail(fault), _) => code(fault),
        _ => ffi::SQLITE_ERROR,
    };
    if result == ffi::SQLITE_OK {
        file.plan.synced(&file.path);
    }
    result
}

#[allow(unsafe_code)]
unsafe extern "C" fn close(at: *mut ffi::sqlite3_file) -> c_int {
    let file = FILES.lock().unwrap_or_else(PoisonError::into_inner).remove(&(at as usize));
    match file.and_then(|file| file.system.0.xClose) {
        // SAFETY: the file's own closing, once.
        Some(system_close) => unsafe { system_close(at) },
        None => ffi::SQLITE_ERROR,
    }
}
