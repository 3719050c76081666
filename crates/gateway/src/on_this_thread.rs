/// Spawns HTTP/2's tasks on the worker's own thread.
#[derive(Clone, Copy)]
pub(crate) struct OnThisThread;

impl<F: Future + 'static> hyper::rt::Executor<F> for OnThisThread {
    fn execute(&self, task: F) {
        drop(tokio::task::spawn_local(async move {
            task.await;
        }));
    }
}
