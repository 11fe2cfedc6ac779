// SPDX-License-Identifier: Apache-2.0
// What a Claude Code does with the locks of its login, by the implementation that it uses itself: npm's
// proper-lockfile, here Debian's package of it.
//
//   proper-lockfile.js HOME hold            takes both locks, prints "held", and gives them back when stdin ends
//   proper-lockfile.js HOME rewrite ROUND   prints "ready"; when stdin ends, waits for both locks, and under the third
//                                           writes the login as expired, with a member of another program's that tells
//                                           whether it replaces a "fresh" or an "expired" one
//   proper-lockfile.js HOME try             prints "free" or "held"
'use strict';
const fs = require('fs');
const lockfile = require('proper-lockfile');

const [home, verb, round] = process.argv.slice(2);
const document = `${home}/.credentials.json`;
const patience = {retries: 100, minTimeout: 50, maxTimeout: 200};

const end_of_input = () => new Promise((resolve) => process.stdin.on('end', resolve).resume());

async function take(retries) {
  const manner = {realpath: false, stale: 60000, update: 5000, retries};
  const first = await lockfile.lock(home, {...manner, lockfilePath: `${home}/.oauth_refresh.lock`});
  const legacy = `${fs.realpathSync(home)}.lock`;
  try {
    const second = await lockfile.lock(legacy, {...manner, retries: 0, lockfilePath: legacy});
    return async () => { await second(); await first(); };
  } catch (error) {
    await first();
    throw error;
  }
}

async function save(change) {
  const manner = {realpath: false, stale: 15000, retries: {retries: 10, minTimeout: 100, maxTimeout: 1000}};
  const release = await lockfile.lock(`${home}/.storage-write`, manner);
  const login = JSON.parse(fs.readFileSync(document, 'utf8'));
  change(login);
  fs.writeFileSync(`${document}.claude`, JSON.stringify(login), {mode: 0o600});
  fs.renameSync(`${document}.claude`, document);
  await release();
}

const verbs = {
  async hold() {
    const release = await take(0);
    console.log('held');
    await end_of_input();
    await release();
  },
  async rewrite() {
    console.log('ready');
    await end_of_input();
    const release = await take(patience);
    await save((login) => {
      const replaces = login.claudeAiOauth.expiresAt > Date.now() ? 'fresh' : 'expired';
      login.claudeAiOauth.expiresAt = 1700000000000;
      login.mcpOAuth = {round: Number(round), replaces};
    });
    await release();
  },
  async try() {
    const release = await take(0).catch(() => null);
    console.log(release ? 'free' : 'held');
    if (release) await release();
  },
};

verbs[verb]().then(() => process.exit(0), (error) => {
  console.error(`${verb}: ${error.code || error.message}`);
  process.exit(1);
});
