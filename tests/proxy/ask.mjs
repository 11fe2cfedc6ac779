// SPDX-License-Identifier: Apache-2.0
// Keeps COUNT requests to the stand-in of api.mjs in flight over the sockets until SIGTERM; one in ten of them streams for
// SECONDS, the others for one. Prints one line once all are answered: "whole N, failed N".
//
// usage: node ask.mjs COUNT SECONDS SOCKET...
import { request } from 'node:http';

const [count, seconds, ...sockets] = process.argv.slice(2);
let isAsking = true;
process.once('SIGTERM', () => (isAsking = false));
const result = { whole: 0, failed: 0 };

function ask(number) {
  const length = number % 10 === 0 ? seconds : 1;
  return new Promise((done) => {
    const onward = request({ socketPath: sockets[number % sockets.length], path: '/v1/messages', method: 'POST', agent: false }, (answer) => {
      let text = '';
      answer.on('data', (part) => (text += part));
      answer.on('close', () => {
        const whole = answer.statusCode === 200 && text.endsWith('data: end\n\n');
        result[whole ? 'whole' : 'failed']++;
        if (!whole) console.error(`${answer.statusCode} ${text.slice(-200)}`);
        done();
      });
    });
    onward.on('error', (error) => {
      result.failed++;
      console.error(String(error));
      done();
    });
    onward.end(String(length));
  });
}

await Promise.all(
  Array.from({ length: Number(count) }, async (_, number) => {
    do await ask(number);
    while (isAsking);
  }),
);
console.log(`whole ${result.whole}, failed ${result.failed}`);
