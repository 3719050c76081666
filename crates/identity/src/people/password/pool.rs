//! The threads that hash. They are few, each has its memory once, and only so many passwords may wait for them: a flood of sign-ins
//! is answered with 503, and neither slows the requests of those who are signed in nor takes the node's memory.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use argon2::Block;
use bartizan_vault::random::{self, SystemRandom};
use tokio::sync::oneshot;

use super::Password;
use super::formats::{StoredPassword, hash};
use crate::IdentityError;
use crate::config::{Cost, PasswordRules};

/// A thread gives its memory back when nobody has signed in for so long.
const KEEPS_MEMORY: Duration = Duration::from_secs(10);

/// What a thread is asked.
enum Task {
    Hash(Password, Cost, oneshot::Sender<Result<String, IdentityError>>),
    Verify(Password, Box<StoredPassword>, oneshot::Sender<Result<bool, IdentityError>>),
}

/// The threads, by their queue. They end when it is dropped.
pub(crate) struct HashingPool {
    queue: SyncSender<Task>,
    cost: Cost,
    /// The hash of a password that nobody has.
    decoy: String,
}

impl HashingPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// If they, or randomness, cannot be had.
    pub(crate) fn start(rules: &PasswordRules) -> Result<Self, IdentityError> {
        let (queue, tasks) = sync_channel(rules.queue.get());
        let tasks = Arc::new(Mutex::new(tasks));
        for number in 0..rules.workers.get() {
            let tasks = tasks.clone();
            let name = format!("password-{number}");
            thread::Builder::new()
                .name(name)
                .spawn(move || work(&tasks))
                .map_err(|cause| IdentityError::Library { operation: "starting a thread", cause: cause.to_string() })?;
        }
        let salt = random::bytes(&SystemRandom::new())?;
        let nobody_s = random::bytes::<32>(&SystemRandom::new())?;
        let decoy = hash(&nobody_s, salt, rules.cost, &mut Vec::new())?;
        Ok(Self { queue, cost: rules.cost, decoy })
    }

    /// The stored form of a new password.
    ///
    /// # Errors
    /// [`IdentityError::Overloaded`] if too many are waiting.
    pub(crate) async fn hash(&self, password: Password) -> Result<String, IdentityError> {
        let (reply, answer) = oneshot::channel();
        self.submit(Task::Hash(password, self.cost, reply))?;
        answer.await.unwrap_or(Err(IdentityError::Overloaded))
    }

    /// Whether `password` is the one that is stored, and whether that form should be replaced. Without a stored one it takes the same
    /// time to say no: nobody learns from it which names there are.
    ///
    /// # Errors
    /// [`IdentityError::Overloaded`] if too many are waiting.
    pub(crate) async fn verify(&self, password: Password, stored: Option<&str>) -> Result<Verdict, IdentityError> {
        let known = stored.and_then(|text| StoredPassword::parse(text).ok());
        let (is_known, is_outdated) = (known.is_some(), known.as_ref().is_some_and(|it| it.is_outdated(self.cost)));
        let compared = match known {
            Some(known) => known,
            None => StoredPassword::parse(&self.decoy).map_err(|_| IdentityError::Damaged { what: "decoy" })?,
        };
        let (reply, answer) = oneshot::channel();
        self.submit(Task::Verify(password, Box::new(compared), reply))?;
        let is_right = answer.await.unwrap_or(Err(IdentityError::Overloaded))?;
        Ok(match (is_right && is_known, is_outdated) {
            (false, _) => Verdict::Wrong,
            (true, false) => Verdict::Right,
            (true, true) => Verdict::RightAndOutdated,
        })
    }

    fn submit(&self, task: Task) -> Result<(), IdentityError> {
        match self.queue.try_send(task) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(IdentityError::Overloaded),
        }
    }
}

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right,
    /// It should be hashed anew.
    RightAndOutdated,
}

/// How far behind every other thread those that hash stand: a flood of sign-ins takes what time the others leave.
const NICE: i32 = 10;

fn work(tasks: &Mutex<Receiver<Task>>) {
    // Elsewhere it would count for the whole process. Where it is not allowed, hashing goes on at the others' cost.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICE);
    let mut memory: Vec<Block> = Vec::new();
    loop {
        // Whoever waits for the lock waits for the one who waits for a task: they take turns.
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(KEEPS_MEMORY);
        match task {
            Ok(task) => task.run(&mut memory),
            Err(RecvTimeoutError::Timeout) => memory = Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl Task {
    /// Whoever does not wait for the answer any more costs nothing: a client that hangs up frees its place.
    fn run(self, memory: &mut Vec<Block>) {
        match self {
            Self::Hash(_, _, reply) if reply.is_closed() => {}
            Self::Verify(_, _, reply) if reply.is_closed() => {}
            Self::Hash(password, cost, reply) => {
                let salt = random::bytes(&SystemRandom::new()).map_err(IdentityError::from);
                drop(reply.send(salt.and_then(|salt| hash(password.as_str().as_bytes(), salt, cost, memory))));
            }
            Self::Verify(password, stored, reply) => {
                drop(reply.send(stored.verify(password.as_str().as_bytes(), memory)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(queue: usize) -> PasswordRules {
        PasswordRules {
            cost: Cost { memory: 64, passes: 1, lanes: 1 },
            queue: queue.try_into().unwrap(),
            workers: 1.try_into().unwrap(),
            ..PasswordRules::default()
        }
    }

    fn password(text: &str) -> Password {
        Password::typed(text).unwrap()
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other() {
        let pool = HashingPool::start(&rules(8)).unwrap();
        let stored = pool.hash(password("seven geese")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
        assert_eq!(pool.verify(password("seven geese"), Some(&stored)).await.unwrap(), Verdict::Right);
        assert_eq!(pool.verify(password("seven goose"), Some(&stored)).await.unwrap(), Verdict::Wrong);
        assert_eq!(pool.verify(password("seven geese"), None).await.unwrap(), Verdict::Wrong);
        assert_eq!(pool.verify(password("seven geese"), Some("rubbish")).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_right_and_outdated() {
        let (old, new) = (
            HashingPool::start(&rules(8)).unwrap(),
            HashingPool::start(&PasswordRules { cost: Cost { memory: 128, passes: 1, lanes: 1 }, ..rules(8) }).unwrap(),
        );
        let stored = old.hash(password("seven geese")).await.unwrap();
        assert_eq!(new.verify(password("seven geese"), Some(&stored)).await.unwrap(), Verdict::RightAndOutdated);
    }

    #[tokio::test]
    async fn a_flood_is_told_at_once_that_there_is_no_room() {
        let slow = Cost { memory: 8 * 1024, passes: 2, lanes: 1 };
        let pool = Arc::new(HashingPool::start(&PasswordRules { cost: slow, ..rules(4) }).unwrap());
        let flood: Vec<_> = (0..64)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move { pool.hash(password("seven geese")).await })
            })
            .collect();
        let (mut done, mut refused) = (0, 0);
        for one in flood {
            match one.await.unwrap() {
                Ok(_) => done += 1,
                Err(IdentityError::Overloaded) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert!(done >= 4 && refused > 0, "{done} hashed, {refused} refused");
        assert!(pool.hash(password("afterwards")).await.is_ok(), "the flood is over and forgotten");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn threads_that_hash_stand_behind_all_others() {
        let pool = HashingPool::start(&rules(4)).unwrap();
        pool.hash(password("seven geese")).await.unwrap();
        let mine = std::fs::read_dir("/proc/self/task").unwrap().filter_map(|task| {
            let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).ok()?;
            let (name, fields) = stat.rsplit_once(") ")?;
            // The 19th field of proc(5) is the nice value; two stand before the rest.
            name.contains("(password-").then(|| fields.split(' ').nth(16).unwrap().to_owned())
        });
        let mine: Vec<_> = mine.collect();
        assert!(mine.contains(&NICE.to_string()), "{mine:?}");
    }
}
