// A script without a framework; an error that nobody catches ends it.
'use strict';
const Sentry = require('./telemetry');
const stories = require('./stories')(Sentry);

const story = process.argv[2];
// Not in an async function: its error would be a rejected promise, which does not end the process.
setImmediate(() => {
  const told = stories[story]();
  Promise.resolve(told)
    .then(() => Sentry.close(20000))
    .then(() => console.log(`done ${story}`));
});
