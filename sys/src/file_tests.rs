use super::*;
use crate::testroot::TestRoot;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

/// What a call gives, unless it hangs.
fn soon<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, wait) = mpsc::channel();
    thread::spawn(move || done.send(call()));
    let given = wait.recv_timeout(Duration::from_secs(20));
    given.expect("it should have come back by now")
}

fn fifo(t: &TestRoot) -> PathBuf {
    let path = t.root().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    path
}

fn why(error: &io::Error) -> Option<NotRead> {
    error.get_ref()?.downcast_ref::<NotRead>().copied()
}

#[test]
fn a_plain_file_is_read_through_a_link_too() {
    let t = TestRoot::new().with("file", "text").link("link", "file");
    for name in ["file", "link"] {
        let path = t.root().join(name);
        assert_eq!(read_regular(&path).unwrap(), b"text");
        assert_eq!(read_given_text(&path).unwrap(), "text");
        assert_eq!(open_given(&path).unwrap().metadata().unwrap().len(), 4);
    }
}

#[test]
fn what_is_missing_is_still_reported_as_missing() {
    let error = read_regular(Path::new("/no/such/file")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn what_is_no_plain_file_is_refused_by_what_it_is() {
    let t = TestRoot::new().with("x", "");
    let socket = t.root().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    for (path, kind) in [
        (Path::new("/"), FileKind::Directory),
        (Path::new("/dev/null"), FileKind::Character),
        (Path::new("/dev/zero"), FileKind::Character),
        (&*socket, FileKind::Socket),
        (&*fifo(&t), FileKind::Fifo),
    ] {
        let path = path.to_owned();
        let error = soon(move || read_regular(&path).unwrap_err());
        assert_eq!(why(&error), Some(NotRead::Kind(kind)));
    }
}

#[test]
fn a_pipe_that_nobody_writes_to_is_refused_and_not_waited_for() {
    let t = TestRoot::new().with("x", "");
    let path = fifo(&t);
    let error = soon(move || read_given(&path).unwrap_err());
    assert_eq!(why(&error), Some(NotRead::Silent));
}

#[test]
fn a_pipe_whose_writer_said_nothing_is_refused() {
    let t = TestRoot::new().with("x", "");
    let path = fifo(&t);
    let writer = path.clone();
    let writer = thread::spawn(move || OpenOptions::new().write(true).open(writer).map(drop));
    let error = soon(move || read_given(&path).unwrap_err());
    writer.join().unwrap().unwrap();
    assert_eq!(why(&error), Some(NotRead::Silent));
}

#[test]
fn a_pipe_that_a_person_gave_is_read_to_its_end() {
    let text: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
    let t = TestRoot::new().with("x", "");
    let path = fifo(&t);
    for open in [false, true] {
        let (writer, text) = (path.clone(), text.clone());
        let expected = text.clone();
        let writer = thread::spawn(move || fs::write(writer, text));
        let path = path.clone();
        let read = soon(move || {
            if open {
                all(open_given(&path)?)
            } else {
                read_given(&path)
            }
        });
        writer.join().unwrap().unwrap();
        assert!(read.unwrap() == expected);
    }
}

#[test]
fn a_slow_writer_is_waited_for() {
    let t = TestRoot::new().with("x", "");
    let path = fifo(&t);
    let writer = path.clone();
    let writer = thread::spawn(move || {
        use std::io::Write;
        let mut pipe = OpenOptions::new().write(true).open(writer)?;
        thread::sleep(PIPE_TIMEOUT + Duration::from_millis(300));
        pipe.write_all(b"late")
    });
    assert_eq!(soon(move || read_given(&path)).unwrap(), b"late");
    writer.join().unwrap().unwrap();
}

#[test]
fn a_pipe_without_a_name_is_read_by_its_number() {
    let (read, write) = io::pipe().unwrap();
    thread::spawn(move || {
        use std::io::Write;
        { write }.write_all("<(…)".as_bytes())
    });
    let path = PathBuf::from(format!("/proc/self/fd/{}", read.as_raw_fd()));
    let given = soon(move || read_given_text(&path));
    assert_eq!(given.unwrap(), "<(…)");
}

#[test]
fn an_open_file_waits_as_files_do() {
    let t = TestRoot::new().with("file", "");
    let file = open_regular(&t.root().join("file")).unwrap();
    let flags = rustix::fs::fcntl_getfl(&file).unwrap();
    assert!(!flags.contains(OFlags::NONBLOCK));
}

#[test]
fn a_file_is_appended_from_its_beginning_and_only_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    std::fs::write(&path, b"0123456789").unwrap();
    let mut file = File::open(&path).unwrap();
    file.read_exact(&mut [0; 4]).unwrap();
    let mut bytes = b"before ".to_vec();
    append(&file, 10, &mut bytes).unwrap();
    assert_eq!(bytes, b"before 0123456789");
    let shorter = append(&file, 11, &mut bytes).unwrap_err();
    assert!(shorter.to_string().contains("became shorter"), "{shorter}");
}
