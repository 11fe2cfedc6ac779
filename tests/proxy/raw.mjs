// SPDX-License-Identifier: Apache-2.0
// Sends standard input to a Unix socket as it is, and prints what comes back until the other side closes.
//
// usage: node raw.mjs SOCKET
import { connect } from 'node:net';

const socket = connect(process.argv[2]);
socket.on('error', () => process.exit(0));
process.stdin.on('data', (part) => socket.write(part));
socket.pipe(process.stdout);
setTimeout(() => socket.destroy(), 3000).unref();
