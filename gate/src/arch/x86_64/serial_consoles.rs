//! Which serial ports the command line names as consoles.
//!
//! The words are the kernel's: `console=ttyS0,115200n8` and `earlycon=uart8250,io,0x3f8,115200`
//! (Documentation/admin-guide/kernel-parameters.txt), `earlyprintk=serial,ttyS0,115200`; and Xen's:
//! `console=com1 com1=115200,8n1` (docs/misc/xen-command-line.pandoc in Xen). What the gate doesn't
//! understand it ignores: the line is meant for the next kernel.
//!
//! Only the four ports that every PC has are taken. The line is chosen by user space, which is not
//! trusted: a port or memory address of its choice would let it have the gate's messages written
//! over what was just verified.

use baton_formats::cmdline::{Parameter, parameters};

/// A 16550-compatible serial port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SerialPort {
    /// The first of its eight I/O ports.
    pub port: u16,
    /// The speed in bits per second, where one was given.
    pub baud: Option<u32>,
}

/// The I/O ports of ttyS0 to ttyS3 on a PC (arch/x86/include/asm/serial.h).
const STANDARD_PORTS: [u16; 4] = [0x3f8, 0x2f8, 0x3e8, 0x2e8];

/// The serial consoles that `line` names, in its order.
pub fn serial_consoles(line: &[u8]) -> impl Iterator<Item = SerialPort> + '_ {
    kernel_parameters(line).filter_map(move |parameter| serial_port(parameter, line))
}

fn kernel_parameters(line: &[u8]) -> impl Iterator<Item = Parameter<'_>> {
    parameters(line).take_while(|parameter| !parameter.ends_kernel_parameters())
}

fn text(bytes: &[u8]) -> Option<&str> {
    core::str::from_utf8(bytes).ok()
}

fn serial_port(parameter: Parameter<'_>, line: &[u8]) -> Option<SerialPort> {
    let value = text(parameter.value?)?;
    let mut fields = value.split(',');
    match text(parameter.name)? {
        "console" => match fields.next()? {
            "uart" | "uart8250" => addressed(fields),
            tty => standard(tty, fields.next()).or_else(|| xens(value, line)),
        },
        "earlycon" => matches!(fields.next()?, "uart" | "uart8250").then(|| addressed(fields))?,
        "earlyprintk" => {
            let tty = fields.find(|field| *field != "serial")?;
            standard(tty, fields.next())
        }
        _ => None,
    }
}

/// `ttyS1`, and perhaps `115200n8`.
fn standard(tty: &str, options: Option<&str>) -> Option<SerialPort> {
    let number: usize = tty.strip_prefix("ttyS")?.parse().ok()?;
    let port = *STANDARD_PORTS.get(number)?;
    Some(SerialPort {
        port,
        baud: options.and_then(baud),
    })
}

/// The first serial port among Xen's consoles, as in `vga,com1`, with what `com1=` says of it:
/// `<speed>[/<clock>][,<format>[,<port>|pci|amt…]]`. The half that `H` or `L` after the name stands for is sent
/// to the same port.
fn xens(consoles: &str, line: &[u8]) -> Option<SerialPort> {
    let is_port = |name: &&str| matches!(*name, "com1" | "com2");
    let name = consoles
        .split(',')
        .map(|name| name.trim_end_matches(['H', 'L']))
        .find(is_port)?;
    let settings = kernel_parameters(line)
        .filter(|parameter| parameter.name == name.as_bytes())
        .filter_map(|parameter| text(parameter.value?))
        .last();
    let mut settings = settings.unwrap_or_default().split(',');
    let speed = settings.next().and_then(baud);
    let port = match settings.nth(1) {
        None | Some("") => STANDARD_PORTS.get(usize::from(name == "com2")).copied(),
        Some(port) => number(port).filter(|port| STANDARD_PORTS.contains(port)),
    };
    port.map(|port| SerialPort { port, baud: speed })
}

/// `io,<port>[,<options>]`
fn addressed<'a>(mut fields: impl Iterator<Item = &'a str>) -> Option<SerialPort> {
    if fields.next()? != "io" {
        return None;
    }
    let port = number(fields.next()?).filter(|port| STANDARD_PORTS.contains(port))?;
    Some(SerialPort {
        port,
        baud: fields.next().and_then(baud),
    })
}

fn baud(options: &str) -> Option<u32> {
    let digits = options
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(options.len());
    options
        .get(..digits)?
        .parse()
        .ok()
        .filter(|&baud| baud > 0 && baud <= 115_200)
}

fn number(text: &str) -> Option<u16> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u16::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(line: &str) -> Vec<SerialPort> {
        serial_consoles(line.as_bytes()).collect()
    }

    fn port(number: u16, baud: Option<u32>) -> SerialPort {
        SerialPort { port: number, baud }
    }

    #[test]
    fn reads_the_usual_serial_console() {
        assert_eq!(
            ports("quiet console=tty0 console=ttyS0,115200n8 ro"),
            [port(0x3f8, Some(115_200))]
        );
        assert_eq!(ports("console=ttyS1"), [port(0x2f8, None)]);
    }

    #[test]
    fn reads_earlycon_and_earlyprintk() {
        assert_eq!(
            ports("earlycon=uart8250,io,0x3e8,9600n8"),
            [port(0x3e8, Some(9600))]
        );
        assert_eq!(
            ports("earlyprintk=serial,ttyS0,57600,keep"),
            [port(0x3f8, Some(57_600))]
        );
        assert_eq!(ports("earlyprintk=ttyS0"), [port(0x3f8, None)]);
    }

    #[test]
    fn reads_xens_console() {
        let first = |baud| [port(0x3f8, baud)];
        assert_eq!(ports("console=com1"), first(None));
        assert_eq!(
            ports("com1=115200,8n1 console=vga,com1L"),
            first(Some(115_200))
        );
        assert_eq!(
            ports("console=com2 com2=9600 com2=57600/1843200,8n1,0x2f8,3"),
            [port(0x2f8, Some(57_600))]
        );
        assert_eq!(ports("console=com1H com1=auto,8n1,,4"), first(None));
    }

    #[test]
    fn takes_no_port_of_xens_that_user_space_chose() {
        for port in ["0xcf8", "0x1000000", "pci", "amt", "device"] {
            let line = format!("console=com1 com1=115200,8n1,{port}");
            assert_eq!(ports(&line), [], "{line}");
        }
        assert_eq!(ports("console=com3"), []);
        assert_eq!(ports("com1=115200"), [], "it is no console");
        assert_eq!(ports("console=vga -- console=com1"), [], "the guest's");
    }

    #[test]
    fn takes_no_address_that_user_space_chose() {
        assert_eq!(ports("earlycon=uart,mmio32,0xfe034000"), []);
        assert_eq!(ports("earlycon=uart8250,mmio,0x1000000"), []);
        assert_eq!(ports("console=uart8250,io,0xcf8"), []);
    }

    #[test]
    fn ignores_what_is_not_a_serial_port() {
        for line in [
            "",
            "console=hvc0",
            "console=ttyS9",
            "console=ttySx",
            "console=",
            "earlycon",
            "earlycon=pl011,0x9000000",
            "xconsole=ttyS0",
        ] {
            assert_eq!(ports(line), [], "{line}");
        }
    }

    #[test]
    fn ignores_parameters_meant_for_init_and_text_within_quotes() {
        assert_eq!(ports("root=/dev/sda -- console=ttyS0"), []);
        assert_eq!(
            ports("note=\"a console=ttyS0 b\" console=ttyS1"),
            [port(0x2f8, None)]
        );
    }

    #[test]
    fn survives_any_bytes() {
        let line: Vec<u8> = (0..=255u8).chain(*b" console=ttyS0").collect();
        assert_eq!(
            serial_consoles(&line).count(),
            0,
            "an unbalanced quote swallows the rest"
        );
    }
}
