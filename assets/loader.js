// The loader: a stand-in for the SDK, small enough for every page. It takes errors and calls, loads the SDK's bundle with the
// first of them (or at once with data-lazy="no" on the script), starts it and hands over what it took.
(function (settings) {
  'use strict';
  var names = ['init', 'addBreadcrumb', 'captureMessage', 'captureException', 'captureEvent', 'configureScope', 'withScope',
    'setUser', 'setTag', 'setTags', 'setExtra', 'setExtras', 'setContext', 'showReportDialog', 'startSpan', 'addIntegration'];
  var most = 100;
  var queue = [], ready = [], started = false, begun = false, sdk = null;
  var script = document.currentScript;
  var stub = window.Sentry = window.Sentry || {};
  if (stub.captureException || stub.onLoad) return;

  function keep(list, one) { if (list.length < most) list.push(one); }
  // Errors and calls stand in one line: a tag that was set before an error belongs to it.
  function keepError(error, type) {
    keep(queue, ['captureException', [error, { mechanism: { handled: false, type: type } }]]);
  }
  function onError(event) {
    if (!(event instanceof ErrorEvent)) return;
    keepError(event.error || event.message, 'onerror');
    load();
  }
  function onRejection(event) {
    keepError(event.reason, 'onunhandledrejection');
    load();
  }
  names.forEach(function (name) {
    stub[name] = function () {
      keep(queue, [name, arguments]);
      // What only prepares need not load anything.
      if (/^(capture|show)/.test(name)) load();
    };
  });
  var waiting = stub.init;
  stub.lastEventId = function () {};
  stub.onLoad = function (callback) { if (sdk) callback(); else keep(ready, callback); };
  stub.forceLoad = load;
  window.addEventListener('error', onError);
  window.addEventListener('unhandledrejection', onRejection);

  function load() {
    if (started || !settings.bundle) return;
    started = true;
    var bundle = document.createElement('script');
    bundle.src = settings.bundle;
    bundle.crossOrigin = 'anonymous';
    if (script && script.nonce) bundle.nonce = script.nonce;
    bundle.addEventListener('load', begin);
    // Where the bundle cannot come from, the page goes on as if nothing were here.
    bundle.addEventListener('error', stop);
    (document.head || document.documentElement).appendChild(bundle);
  }
  function stop() {
    window.removeEventListener('error', onError);
    window.removeEventListener('unhandledrejection', onRejection);
    queue = [];
  }
  function begin() {
    sdk = window.Sentry;
    if (begun || !sdk || !sdk.init || sdk.init === waiting) return stop();
    begun = true;
    var real = sdk, isInit = false;
    function start(options) {
      var all = {};
      for (var key in settings.options) all[key] = settings.options[key];
      for (var own in options || {}) all[own] = options[own];
      isInit = true;
      return real.init(all);
    }
    // The page's own options stand above those of this script, wherever it gives them. The bundle itself may be frozen.
    sdk = window.Sentry = Object.create(real, { init: { value: start, writable: true, configurable: true, enumerable: true } });
    if (window.sentryOnLoad) attempt(window.sentryOnLoad);
    ready.forEach(attempt);
    queue.forEach(function (call) { if (call[0] === 'init') attempt(function () { start(call[1][0]); }); });
    if (!isInit) start();
    var taken = queue;
    stop();
    taken.forEach(function (call) {
      if (call[0] !== 'init' && sdk[call[0]]) attempt(function () { sdk[call[0]].apply(sdk, call[1]); });
    });
  }
  function attempt(job) { try { job(); } catch (error) { if (window.console) console.error(error); } }

  if (script && script.getAttribute('data-lazy') === 'no') load();
})
