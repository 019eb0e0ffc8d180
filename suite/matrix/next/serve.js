// The server part of a Next app: serves what was built, asks it for one story, and ends.
'use strict';
const http = require('node:http');
const next = require('next');

const story = process.argv[2];
const app = next({ dev: false, dir: __dirname, hostname: '127.0.0.1' });
app.prepare().then(() => {
  const server = http.createServer(app.getRequestHandler());
  server.listen(0, '127.0.0.1', async () => {
    const ask = async (path) => (await fetch(`http://127.0.0.1:${server.address().port}/${path}`)).text();
    await ask(story);
    await ask('flush');
    console.log(`done ${story}`);
    process.exit(0);
  });
});
