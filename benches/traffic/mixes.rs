//! The three captures that goals are stated for.

use std::io::{self, Write};

use super::quic::initial;
use super::{
    ACK, Ends, FIN, Noise, PSH, Pcap, SYN, dns_answer, dns_query, hello, hello_record, unique_name,
};

/// Hosts of the office.
const HOSTS: u64 = 120;
/// Flows under way at the same time.
const AT_ONCE: usize = 3000;
const SEGMENT: usize = 1448;

fn host(number: u64) -> [u8; 4] {
    [192, 168, 1, (number % HOSTS) as u8 + 10]
}

fn server(number: u64) -> [u8; 4] {
    let [.., a, b] = (number % 60_000).to_be_bytes();
    [198, 18 + (number & 1) as u8, a, b]
}

/// What a flow of the office does.
enum Talk {
    /// Hello, answer, then so many bytes down.
    Tls { hello: Vec<u8>, left: u64 },
    /// Requests and answers on one connection.
    Http { name: String, left: u64, answering: u64 },
    /// An Initial, then datagrams down.
    Quic { initial: Vec<u8>, left: u64 },
    /// A question and its answer.
    Dns { name: String },
}

struct Flow {
    ends: Ends,
    step: u32,
    sent: [u32; 2],
    talk: Talk,
}

impl Flow {
    fn new(number: u64, noise: &mut Noise) -> Self {
        let name = unique_name(noise.below(20_000), noise);
        let client = (host(noise.next()), 20_000 + (number % 45_000) as u16);
        let far = server(noise.next());
        let at = |port| (far, port);
        // Sizes are such that nine tenths of the bytes are TLS.
        let (server, talk) = match number % 20 {
            0..=8 => (([192, 168, 1, 1], 53), Talk::Dns { name }),
            9..=12 => (at(80), Talk::Http { name, left: 2 + noise.below(12), answering: 0 }),
            13..=14 => {
                let hello = hello(&name, noise);
                let initial = initial(noise.next().to_be_bytes(), &hello);
                (at(443), Talk::Quic { initial, left: 20_000 + noise.below(120_000) })
            }
            _ => {
                let left = 60_000 + noise.below(400_000) + noise.below(8) / 7 * 1_200_000;
                (at(443), Talk::Tls { hello: hello_record(&name, noise), left })
            }
        };
        Self { ends: Ends { client, server }, step: 0, sent: [1, 1], talk }
    }

    fn say<W: Write>(
        &mut self,
        out: &mut Pcap<W>,
        from_client: bool,
        flags: u8,
        payload: &[u8],
    ) -> io::Result<()> {
        let [mine, theirs] = if from_client { [0, 1] } else { [1, 0] };
        let numbers = (self.sent[mine], self.sent[theirs]);
        out.tcp((&self.ends, from_client), numbers, flags, payload)?;
        let phantom = u32::from(flags & (SYN | FIN) != 0);
        self.sent[mine] = self.sent[mine].wrapping_add(payload.len() as u32 + phantom);
        Ok(())
    }

    /// Sends the next packet; false when the flow is over.
    fn advance<W: Write>(
        &mut self,
        out: &mut Pcap<W>,
        pool: &[u8],
        noise: &mut Noise,
    ) -> io::Result<bool> {
        let step = self.step;
        self.step += 1;
        let tcp = matches!(self.talk, Talk::Tls { .. } | Talk::Http { .. });
        match (tcp, step) {
            (true, 0) => return self.say(out, true, SYN, &[]).map(|()| true),
            (true, 1) => return self.say(out, false, SYN | ACK, &[]).map(|()| true),
            (true, 2) => return self.say(out, true, ACK, &[]).map(|()| true),
            _ => {}
        }
        let from = noise.below(pool.len() as u64 / 2) as usize;
        let bulk = &pool[from..];
        let mut talk = std::mem::replace(&mut self.talk, Talk::Dns { name: String::new() });
        let more = match &mut talk {
            Talk::Tls { hello, left } => match step {
                3 => self.say(out, true, ACK | PSH, hello).map(|()| true),
                4 => {
                    let mut answer = vec![22, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3];
                    answer.extend(&bulk[..116]);
                    answer.extend([20, 3, 3, 0, 1, 1, 23, 3, 3, 0x40, 0]);
                    answer.extend(&bulk[..SEGMENT - answer.len()]);
                    self.say(out, false, ACK, &answer).map(|()| true)
                }
                5 => self.say(out, true, ACK | PSH, &bulk[..64]).map(|()| true),
                _ if *left == 0 => self.say(out, true, ACK | FIN, &[]).map(|()| false),
                odd if odd % 2 == 1 => self.say(out, true, ACK, &[]).map(|()| true),
                _ => {
                    *left = left.saturating_sub(SEGMENT as u64);
                    self.say(out, false, ACK, &bulk[..SEGMENT]).map(|()| true)
                }
            },
            Talk::Http { name, left, answering } => {
                if *answering > 0 {
                    let now = (*answering).min(SEGMENT as u64);
                    *answering -= now;
                    self.say(out, false, ACK, &bulk[..now as usize]).map(|()| true)
                } else if *left == 0 {
                    self.say(out, true, ACK | FIN, &[]).map(|()| false)
                } else if step % 2 == 1 {
                    let request = format!(
                        "GET /assets/{:x}/page.html HTTP/1.1\r\nHost: {name}\r\nUser-Agent: \
                         Mozilla/5.0 (Windows NT 10.0; Win64; x64) bench\r\nAccept: */*\r\n\
                         Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n\r\n",
                        noise.next()
                    );
                    self.say(out, true, ACK | PSH, request.as_bytes()).map(|()| true)
                } else {
                    *left -= 1;
                    let body = 200 + noise.below(8000);
                    *answering = body;
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {body}\r\n\r\n"
                    );
                    self.say(out, false, ACK, head.as_bytes()).map(|()| true)
                }
            }
            Talk::Quic { initial, left } => match step {
                0 => out.udp((&self.ends, true), initial).map(|()| true),
                even if even % 4 == 0 => {
                    out.udp((&self.ends, true), &[&[0x41], &bulk[..40]].concat()).map(|()| true)
                }
                _ => {
                    *left = left.saturating_sub(1250);
                    let datagram = [&[0x42], &bulk[..1250]].concat();
                    out.udp((&self.ends, false), &datagram).map(|()| *left > 0)
                }
            },
            Talk::Dns { name } if step == 0 => {
                out.udp((&self.ends, true), &dns_query(step as u16, name)).map(|()| true)
            }
            Talk::Dns { name } => out
                .udp((&self.ends, false), &dns_answer(0, name, server(noise.next())))
                .map(|()| false),
        };
        self.talk = talk;
        more
    }
}

/// Thousands of flows of an office, interleaved, until so many bytes are written.
pub fn office<W: Write>(out: W, seed: u64, bytes: u64) -> io::Result<W> {
    let mut noise = Noise::new(seed);
    let mut pool = vec![0; 1 << 20];
    noise.fill(&mut pool);
    let mut out = Pcap::new(out, 64)?;
    let mut born = 0;
    let mut next = |noise: &mut Noise| {
        born += 1;
        Flow::new(born, noise)
    };
    let mut flows: Vec<Flow> = (0..AT_ONCE).map(|_| next(&mut noise)).collect();
    while out.bytes < bytes {
        // A burst of a flow's packets, as windows make them.
        let at = noise.below(AT_ONCE as u64) as usize;
        for _ in 0..1 + noise.below(8) {
            if !flows[at].advance(&mut out, &pool, &mut noise)? {
                flows[at] = next(&mut noise);
            }
        }
    }
    out.finish()
}

/// SYN, SYN ACK, ACK and a ClientHello of so many flows, a few hundred at once.
pub fn handshakes<W: Write>(out: W, seed: u64, flows: u64) -> io::Result<W> {
    const LAG: u64 = 100;
    let mut noise = Noise::new(seed);
    let mut out = Pcap::new(out, 25)?;
    let ends = |flow: u64| Ends {
        client: (host(flow), (1024 + flow % 60_013) as u16),
        server: (server(flow * 7), 443),
    };
    for tick in 0..flows + 3 * LAG {
        for (nth, lag) in [(0, 0), (1, LAG), (2, 2 * LAG), (3, 3 * LAG)] {
            let Some(flow) = tick.checked_sub(lag).filter(|flow| *flow < flows) else { continue };
            let ends = ends(flow);
            match nth {
                0 => out.tcp((&ends, true), (0, 0), SYN, &[])?,
                1 => out.tcp((&ends, false), (0, 1), SYN | ACK, &[])?,
                2 => out.tcp((&ends, true), (1, 1), ACK, &[])?,
                _ => {
                    let name = unique_name(flow, &mut noise);
                    let hello = hello_record(&name, &mut noise);
                    out.tcp((&ends, true), (1, 1), ACK | PSH, &hello)?;
                }
            }
        }
    }
    out.finish()
}

/// Clients that take turns in [`turns`].
const CLIENTS: u64 = 60_000;

/// Handshakes as in [`handshakes`], but of sixty thousand clients that take turns, and each
/// connection is closed by both sides twenty thousand connections later: nothing of a host or a
/// flow is still in the cache when it is met again.
pub fn turns<W: Write>(out: W, seed: u64, flows: u64) -> io::Result<W> {
    const LAG: u64 = 100;
    const CLOSED: u64 = 20_000;
    let mut noise = Noise::new(seed);
    let mut out = Pcap::new(out, 25)?;
    let ends = |flow: u64| {
        let [.., a, b] = (flow % CLIENTS).to_be_bytes();
        Ends {
            client: ([10, 20, a, b], (1024 + flow % 60_013) as u16),
            server: (server(flow * 7), 443),
        }
    };
    for tick in 0..flows + CLOSED + 1 {
        for (nth, lag) in
            [(0, 0), (1, LAG), (2, 2 * LAG), (3, 3 * LAG), (4, CLOSED), (5, CLOSED + 1)]
        {
            let Some(flow) = tick.checked_sub(lag).filter(|flow| *flow < flows) else { continue };
            let ends = ends(flow);
            match nth {
                0 => out.tcp((&ends, true), (0, 0), SYN, &[])?,
                1 => out.tcp((&ends, false), (0, 1), SYN | ACK, &[])?,
                2 => out.tcp((&ends, true), (1, 1), ACK, &[])?,
                3 => {
                    let name = unique_name(flow, &mut noise);
                    let hello = hello_record(&name, &mut noise);
                    out.tcp((&ends, true), (1, 1), ACK | PSH, &hello)?;
                }
                // A record of 517 bytes was said.
                4 => out.tcp((&ends, true), (518, 1), ACK | FIN, &[])?,
                _ => out.tcp((&ends, false), (1, 519), ACK | FIN, &[])?,
            }
        }
    }
    out.finish()
}

/// So many questions, each for a name never asked before from a port of its own, and answers.
pub fn dns_flood<W: Write>(out: W, seed: u64, questions: u64) -> io::Result<W> {
    const LAG: u64 = 50;
    let mut noise = Noise::new(seed);
    let mut out = Pcap::new(out, 50)?;
    let name = |question: u64| unique_name(question, &mut Noise::new(seed ^ question));
    let ends = |question: u64| Ends {
        client: (host(question), (1024 + question % 60_013) as u16),
        server: ([192, 168, 1, 1], 53),
    };
    for tick in 0..questions + LAG {
        if tick < questions {
            out.udp((&ends(tick), true), &dns_query(tick as u16, &name(tick)))?;
        }
        if let Some(asked) = tick.checked_sub(LAG) {
            let answer = dns_answer(asked as u16, &name(asked), server(noise.next()));
            out.udp((&ends(asked), false), &answer)?;
        }
    }
    out.finish()
}
