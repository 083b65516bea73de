fn main() {
    use wardwatch::flow::*;
    println!(
        "{} session {} stream {} packet {}",
        std::mem::size_of::<Flow<wardwatch::extract::session::Session>>(),
        std::mem::size_of::<wardwatch::extract::session::Session>(),
        std::mem::size_of::<Stream>(),
        std::mem::size_of::<wardwatch::decode::packet::Packet>()
    );
}
