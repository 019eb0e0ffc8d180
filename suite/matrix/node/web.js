// An Express app that tells each story while it answers a request.
'use strict';
const Sentry = require('./telemetry');
const express = require('express');
const stories = require('./stories')(Sentry);

const app = express();
app.get('/:story', async (request, response) => {
  await stories[request.params.story]();
  response.send('told');
});
Sentry.setupExpressErrorHandler(app);

const story = process.argv[2];
const server = app.listen(0, '127.0.0.1', async () => {
  await (await fetch(`http://127.0.0.1:${server.address().port}/${story}`)).text();
  await Sentry.close(20000);
  console.log(`done ${story}`);
  process.exit(0);
});
