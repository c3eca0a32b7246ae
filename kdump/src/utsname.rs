//! What `uname` says of a machine.

/// `struct new_utsname` (uapi/linux/utsname.h): sysname, nodename, release, version, machine, domainname, each of
/// at most 64 bytes and a zero.
pub(crate) type RawUtsname = [[u8; 65]; 6];

/// What `uname` said of the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub struct Utsname {
    pub sysname: String,
    pub nodename: String,
    pub release: String,
    pub version: String,
    pub machine: String,
    pub domainname: String,
}

impl From<[String; 6]> for Utsname {
    fn from(names: [String; 6]) -> Utsname {
        let [sysname, nodename, release, version, machine, domainname] = names;
        Utsname {
            sysname,
            nodename,
            release,
            version,
            machine,
            domainname,
        }
    }
}

impl Utsname {
    pub(crate) fn parse(raw: &RawUtsname) -> Utsname {
        let names = raw.map(|field| {
            let text = field.split(|it| *it == 0).next().unwrap_or_default();
            String::from_utf8_lossy(text).into_owned()
        });
        names.into()
    }

    /// What is too long is cut off.
    pub(crate) fn to_raw(&self) -> RawUtsname {
        let names = [
            &self.sysname,
            &self.nodename,
            &self.release,
            &self.version,
            &self.machine,
            &self.domainname,
        ];
        names.map(|name| {
            let mut field = [0; 65];
            let bytes = name.bytes().take(field.len() - 1);
            field
                .iter_mut()
                .zip(bytes)
                .for_each(|(to, from)| *to = from);
            field
        })
    }
}
