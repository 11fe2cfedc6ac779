// SPDX-License-Identifier: Apache-2.0
// A relay in front of a member of etcd, which loses answers. It cannot read what it passes on (TLS), so it counts the pieces
// that the client sends, those of the handshake included.
//
// usage: node relay.mjs READY PORT HOST:PORT HOW [NUMBER]    writes READY once it listens on 127.0.0.1
//   pass        passes everything on
//   lose N      what follows the Nth piece is lost: the member has it, and its answer goes nowhere
//   half N      half of what follows the Nth piece arrives
//   flap SEED   each connection ends after its first to tenth piece
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';

const [ready, port, target, how, number] = process.argv.slice(2);
const [host, hostPort] = target.split(':');
let sent = 0;
let chance = Number(number);
// A linear congruential generator: the same cuts for the same seed.
const random = (below) => {
  chance = (chance * 1103515245 + 12345) % 2147483648;
  return Math.floor((chance / 2147483648) * below);
};

createServer((client) => {
  const member = connect(Number(hostPort), host);
  const last = how === 'flap' ? 1 + random(10) : Infinity;
  let pieces = 0;
  let lost = false;
  const end = () => {
    client.destroy();
    setTimeout(() => member.destroy(), 300); // by then the member has read it
  };
  client.on('data', (piece) => {
    ++sent;
    ++pieces;
    member.write(piece);
    lost = pieces >= last || ((how === 'lose' || how === 'half') && sent === Number(number));
    if (lost && how !== 'half') end();
  });
  member.on('data', (piece) => {
    if (!lost) return client.write(piece);
    if (how === 'half') client.write(piece.subarray(0, piece.length / 2), end);
  });
  for (const [one, other] of [[client, member], [member, client]]) {
    one.on('error', () => {});
    one.on('close', () => lost || other.destroy());
  }
}).listen(Number(port), '127.0.0.1', () => writeFileSync(ready, `${process.pid}\n`));
process.on('SIGTERM', () => process.exit(0));
