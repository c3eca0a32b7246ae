//! Which serial ports the command line names as consoles.
//!
//! The words are the kernel's: `console=ttyS0,115200n8` and `earlycon=uart8250,io,0x3f8,115200`
//! (Documentation/admin-guide/kernel-parameters.txt), `earlyprintk=serial,ttyS0,115200`. What the
//! gate doesn't understand it ignores: the line is meant for the next kernel.
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
    parameters(line)
        .take_while(|parameter| !parameter.ends_kernel_parameters())
        .filter_map(serial_port)
}

fn serial_port(parameter: Parameter<'_>) -> Option<SerialPort> {
    let text = |bytes| core::str::from_utf8(bytes).ok();
    let mut fields = text(parameter.value?)?.split(',');
    match text(parameter.name)? {
        "console" => match fields.next()? {
            "uart" | "uart8250" => addressed(fields),
            tty => standard(tty, fields.next()),
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
