use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::family::{Family, Snapshot};
use super::histogram::{Exemplar, FINE, Histogram, REQUEST, SIZES, SharedHistogram, nanos};
use super::{MAX_SERIES, OVERFLOW};
use crate::event::RequestEvent;
use crate::{Outcome, Stage};

static REQUESTS: Family = Family::counter(
    "bartizan_requests_total",
    "Requests by route, class of status and outcome.",
    &["route", "status_class", "outcome"],
);
static IN_FLIGHT: Family =
    Family::gauge("bartizan_requests_in_flight", "Requests that are not answered to the end.", &[]);
static REFUSALS: Family = Family::counter(
    "bartizan_refusals_total",
    "Requests refused, by the stage that decided, the control that it proves and its reason.",
    &["stage", "control", "reason"],
);
static OBSERVED: Family = Family::counter(
    "bartizan_observed_refusals_total",
    "What would have been refused, had the control not been in observe mode.",
    &["stage", "control", "reason"],
);
static FAILURES: Family = Family::counter(
    "bartizan_failures_total",
    "Requests that the upstream, or the gate itself, could not answer.",
    &["stage", "upstream", "reason"],
);
static DURATION: Family = Family::histogram(
    "bartizan_request_duration_seconds",
    "From the head of the request to the head of the response.",
    &["route", "outcome"],
);
static STAGES: Family =
    Family::histogram("bartizan_stage_duration_seconds", "Time in each stage of the gate.", &["stage"]);
static UPSTREAM: Family = Family::histogram(
    "bartizan_upstream_duration_seconds",
    "Time until the head of the upstream's answer.",
    &["upstream"],
);
static REQUEST_BYTES: Family =
    Family::histogram("bartizan_request_body_bytes", "Sizes of requests' bodies, as far as they were read.", &[]);
static RESPONSE_BYTES: Family =
    Family::histogram("bartizan_response_body_bytes", "Sizes of answers' bodies, as far as they were sent.", &[]);

/// Series of durations by route and outcome at most: each is a histogram, and a scrape carries twenty lines for it.
const MAX_DURATIONS: usize = 1_000;

/// Requests, as the data plane counts them itself.
#[derive(Debug)]
pub struct RequestMetrics {
    in_flight: OnceLock<Arc<AtomicUsize>>,
    response_bytes: SharedHistogram,
}

impl Default for RequestMetrics {
    fn default() -> Self {
        Self { in_flight: OnceLock::new(), response_bytes: SharedHistogram::of_sizes() }
    }
}

impl RequestMetrics {
    /// Shows the number by which the gate limits requests in flight: there is no second count. The first one stays.
    pub fn watch_in_flight(&self, number: &Arc<AtomicUsize>) {
        // A second data plane of the same recorder keeps its number to itself.
        let _ = self.in_flight.set(number.clone());
    }

    /// Counts an answer that has flowed.
    pub fn answered(&self, bytes: u64) {
        self.response_bytes.record(bytes);
    }

    pub(super) fn collect(&self, derived: &super::Derived, into: &mut Snapshot) {
        let in_flight = self.in_flight.get().map_or(0, |number| number.load(Ordering::Relaxed));
        into.family(&IN_FLIGHT).whole(&[], u64::try_from(in_flight).unwrap_or_default());
        derived.requests.collect(into);
        into.family(&RESPONSE_BYTES).shared(&[], &self.response_bytes);
    }
}

/// What events tell of requests.
#[derive(Debug)]
pub(super) struct Derived {
    routes: HashMap<Arc<str>, Route>,
    /// How many histograms `routes` holds.
    durations: usize,
    /// The durations of the routes that came after [`MAX_DURATIONS`].
    other_durations: [Option<Box<Histogram>>; Outcome::ALL.len()],
    refusals: BTreeMap<Refusal, u64>,
    observed: BTreeMap<Refusal, u64>,
    failures: BTreeMap<(Stage, Arc<str>, &'static str), u64>,
    stages: Box<[Histogram]>,
    upstreams: HashMap<Arc<str>, Histogram>,
    request_bytes: Histogram,
}

/// Stage, control and reason.
type Refusal = (Stage, &'static str, &'static str);

/// The requests of one route.
#[derive(Debug, Default)]
struct Route {
    /// By class of status and by outcome.
    counts: [[u64; Outcome::ALL.len()]; STATUS_CLASSES.len()],
    /// By outcome.
    durations: [Option<Box<Histogram>>; Outcome::ALL.len()],
}

const STATUS_CLASSES: [&str; 6] = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"];

impl Default for Derived {
    fn default() -> Self {
        Self {
            routes: HashMap::new(),
            durations: 0,
            other_durations: [const { None }; Outcome::ALL.len()],
            refusals: BTreeMap::new(),
            observed: BTreeMap::new(),
            failures: BTreeMap::new(),
            stages: Stage::ALL.iter().map(|_| Histogram::new(&FINE)).collect(),
            upstreams: HashMap::new(),
            request_bytes: Histogram::new(&SIZES),
        }
    }
}

impl Derived {
    pub(super) fn observe(&mut self, request: &RequestEvent) {
        self.observe_route(request);
        self.observe_stages(request);
        let code = request.reason.as_ref().map_or("unspecified", |reason| reason.code);
        match request.outcome {
            Outcome::Refused => {
                let control = request.control.map_or("", |control| control.as_str());
                *self.refusals.entry((request.stage, control, code)).or_default() += 1;
            }
            Outcome::Failed => {
                let upstream = request.upstream.clone().unwrap_or_default();
                let series = self.failures.len();
                let key = (request.stage, upstream, code);
                let key = if series < MAX_SERIES { key } else { (request.stage, OVERFLOW.into(), code) };
                *self.failures.entry(key).or_default() += 1;
            }
            Outcome::Answered | Outcome::Cancelled => {}
        }
        for observed in &request.observed {
            let key = (observed.stage, observed.control.as_str(), observed.reason.code);
            *self.observed.entry(key).or_default() += 1;
        }
    }

    fn observe_route(&mut self, request: &RequestEvent) {
        let class = usize::from(request.status / 100);
        let class = if class < STATUS_CLASSES.len() { class } else { 0 };
        let outcome = request.outcome as usize;
        let route = series(&mut self.routes, request.route.as_ref(), Route::default);
        if let Some(count) = route.counts.get_mut(class).and_then(|outcomes| outcomes.get_mut(outcome)) {
            *count += 1;
        }
        let is_full = self.durations >= MAX_DURATIONS && route.durations.get(outcome).is_some_and(Option::is_none);
        let durations = if is_full { &mut self.other_durations } else { &mut route.durations };
        let Some(duration) = durations.get_mut(outcome) else { return };
        let histogram = duration.get_or_insert_with(|| {
            self.durations += 1;
            Box::new(Histogram::new(&REQUEST))
        });
        let took = nanos(request.timings.total());
        let sampled = request.trace.as_ref().filter(|trace| trace.sampled);
        let exemplar =
            sampled.map(|trace| Exemplar { trace: trace.id, span: trace.span, value: took, time: request.time });
        histogram.record(took, exemplar);
    }

    fn observe_stages(&mut self, request: &RequestEvent) {
        if let Some(bytes) = request.request_bytes {
            self.request_bytes.record(bytes, None);
        }
        for (stage, took) in request.timings.iter() {
            if let Some(histogram) = self.stages.get_mut(stage as usize) {
                histogram.observe(took);
            }
        }
        if request.upstream.is_some() {
            let took = request.timings.of(Stage::Forward);
            series(&mut self.upstreams, request.upstream.as_ref(), || Histogram::new(&FINE)).observe(took);
        }
    }

    fn collect(&self, into: &mut Snapshot) {
        let mut requests = into.family(&REQUESTS);
        for (route, of_route) in sorted(&self.routes) {
            for (class, outcomes) in STATUS_CLASSES.iter().zip(&of_route.counts) {
                for (outcome, count) in Outcome::ALL.iter().zip(outcomes).filter(|(_, count)| **count > 0) {
                    requests.whole(&[route, class, outcome.as_str()], *count);
                }
            }
        }
        for (family, refusals) in [(&REFUSALS, &self.refusals), (&OBSERVED, &self.observed)] {
            let mut samples = into.family(family);
            for ((stage, control, reason), count) in refusals {
                samples.whole(&[stage.as_str(), control, reason], *count);
            }
        }
        let mut failures = into.family(&FAILURES);
        for ((stage, upstream, reason), count) in &self.failures {
            failures.whole(&[stage.as_str(), upstream, reason], *count);
        }
        self.collect_durations(into);
        into.family(&REQUEST_BYTES).histogram(&[], &self.request_bytes);
    }

    fn collect_durations(&self, into: &mut Snapshot) {
        let mut durations = into.family(&DURATION);
        let other = (OVERFLOW, &self.other_durations);
        let of_routes = sorted(&self.routes).into_iter().map(|(route, of_route)| (route, &of_route.durations));
        for (route, by_outcome) in of_routes.chain([other]) {
            for (outcome, histogram) in Outcome::ALL.iter().zip(by_outcome) {
                if let Some(histogram) = histogram {
                    durations.histogram(&[route, outcome.as_str()], histogram);
                }
            }
        }
        let mut stages = into.family(&STAGES);
        for (stage, histogram) in Stage::ALL.iter().zip(&self.stages) {
            stages.histogram(&[stage.as_str()], histogram);
        }
        let mut upstreams = into.family(&UPSTREAM);
        for (upstream, histogram) in sorted(&self.upstreams) {
            upstreams.histogram(&[upstream], histogram);
        }
    }
}

/// Series in the order of their names, so that two scrapes differ in numbers only.
fn sorted<T>(map: &HashMap<Arc<str>, T>) -> BTreeMap<&str, &T> {
    map.iter().map(|(name, value)| (&**name, value)).collect()
}

/// The series of that name; one for all, once there are too many.
fn series<'map, T>(
    map: &'map mut HashMap<Arc<str>, T>,
    name: Option<&Arc<str>>,
    new: impl FnOnce() -> T,
) -> &'map mut T {
    let name = name.cloned().unwrap_or_default();
    let name = if map.len() < MAX_SERIES || map.contains_key(&name) { name } else { OVERFLOW.into() };
    map.entry(name).or_insert_with(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_names_does_not_grow_the_series_without_bound() {
        let mut map: HashMap<Arc<str>, u64> = HashMap::new();
        for number in 0..MAX_SERIES + 50 {
            *series(&mut map, Some(&number.to_string().into()), u64::default) += 1;
        }
        *series(&mut map, Some(&"7".into()), u64::default) += 1;
        assert_eq!(map.len(), MAX_SERIES + 1);
        assert_eq!((map[OVERFLOW], map["7"]), (50, 2));
    }
}
