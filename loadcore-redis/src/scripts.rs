//! Loads the scripts in `scripts/`: what Redis does as one step.
//!
//! They use nothing newer than Redis 6.2, take all keys that they write as `KEYS`, and are loaded again by
//! any call that finds them gone. What a worker's script only reads it is told among `ARGV`: Redis asks for
//! the right to write whatever stands in `KEYS`, and a worker has it for nothing that a controller writes. A controller's begin with `led.lua`, which refuses the term of the past.

use redis::Script;
use std::sync::LazyLock;

macro_rules! scripts {
    ($($name:ident = $($file:literal)+;)*) => {
        $(pub(crate) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($(include_str!(concat!("scripts/", $file))),+)));)*
    };
}

scripts! {
    BEAT = "beat.lua";
    PUT = "number_of.lua" "put.lua";
    ADOPT_TASK = "adopt_task.lua";
    ACCEPT_TASK = "accept_task.lua";
    LEAD = "led.lua" "lead.lua";
    ABDICATE = "abdicate.lua";
    OPEN = "led.lua" "open.lua";
    APPEND = "led.lua" "append.lua";
    OFFER = "led.lua" "offer.lua";
    WITHDRAW = "led.lua" "withdraw_tasks.lua" "withdraw.lua";
    SETTLE = "led.lua" "settle.lua";
    DISCARD = "led.lua" "discard.lua";
    CONFIRM = "led.lua" "confirm.lua";
    CLOSE = "led.lua" "withdraw_tasks.lua" "close.lua";
}
