// SPDX-License-Identifier: Apache-2.0
// A stand-in for the token endpoints and the APIs of the published clients, on 127.0.0.1:443 for all of their host names. Its
// token endpoint rotates each refresh token and revokes the login if one is used twice, but not as Google's, which demands a
// secret; its API takes a request if the access token is valid, and answers it with one word. Each request adds a line of
// JSON to DIR/requests.
//
// usage: node stand-in.mjs DIR    DIR has key.pem and cert.pem; DIR/ready is written once it answers
//
// GET /control/PATH, on any host:
//   login?expires_in=S     a new login: access_token, refresh_token, id_token, expires_in
//   expires_in?s=S         the lifetime of access tokens from now on
//   refuse_old?on=1|0      whether an access token is refused once its login was rotated
//   hold?what=token|api&n=N   the next N requests of this kind are not answered before a release; one for the API that offers
//                          tools is then answered with the call of one, so that another request follows
//   tool?name=N[&namespace=S]   the tool that is called, instead of one that nobody has
//   release[?what=token|api&n=N]   answers what is held; the next N requests are held again, none by default
//   is_current?token=T     whether this refresh token can be used
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';

const dir = process.argv[2];
const tokenPaths = ['/v1/oauth/token', '/oauth/token', '/oauth2/token', '/api/oauth/token', '/token'];
const accessTokens = new Map(); // token -> {family, expiresAt}
const refreshTokens = new Map(); // token -> family
const holds = { token: 0, api: 0 };
const held = { token: [], api: [] };
let lifetime = 8 * 3600;
let tool = null;
let refuseOld = false;
let issued = 0;

const seconds = () => Math.floor(Date.now() / 1000);
const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims) => `${base64url({ alg: 'none' })}.${base64url({ iat: seconds(), ...claims })}.stand-in`;
const openai = { chatgpt_account_id: 'account', chatgpt_user_id: 'person', user_id: 'person', chatgpt_plan_type: 'pro' };

function issue(family, expiresIn) {
  const claims = { sub: 'person', jti: String(++issued), exp: seconds() + expiresIn, 'https://api.openai.com/auth': openai };
  family.accessToken = jwt(claims);
  family.refreshToken = `refresh-${issued}-${randomBytes(16).toString('hex')}`;
  accessTokens.set(family.accessToken, { family, expiresAt: claims.exp });
  refreshTokens.set(family.refreshToken, family);
  return {
    access_token: family.accessToken, refresh_token: family.refreshToken, expires_in: expiresIn, token_type: 'Bearer',
    id_token: jwt({ sub: 'person', email: 'person@example.org', exp: seconds() + 3600, 'https://api.openai.com/auth': openai }),
  };
}

// Google's refresh tokens stay as they are.
function refreshAtGoogle(parameters) {
  const family = refreshTokens.get(parameters.refresh_token);
  if (parameters.client_secret !== 'not so secret') return [401, { error: 'invalid_client' }];
  if (!family) return [400, { error: 'invalid_grant' }];
  const { refresh_token, ...answer } = issue(family, lifetime);
  return [200, answer];
}

function refresh(parameters, entry) {
  const sent = parameters.refresh_token ?? '';
  const family = refreshTokens.get(sent);
  entry.refreshToken = createHash('sha256').update(sent).digest('hex').slice(0, 12);
  if (family && family.refreshToken !== sent) entry.reused = family.revoked = true;
  if (!family || family.revoked || parameters.grant_type !== 'refresh_token') return [400, { error: 'invalid_grant' }];
  return [200, { ...issue(family, lifetime), scope: parameters.scope }];
}

function accepts(token) {
  const known = accessTokens.get(token);
  return known && !known.family.revoked && known.expiresAt > seconds() && (!refuseOld || known.family.accessToken === token);
}

let sequence = 0;
const event = (type, members) => `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...members })}\n\n`;
const calledTool = () => tool ?? { name: `none${sequence}` };
const stream = (answer, body) => answer.writeHead(200, { 'content-type': 'text/event-stream' }).end(body);

// Anthropic's messages.
function messages(answer, call) {
  const block = call ? { type: 'tool_use', id: `call_${sequence}`, ...calledTool(), input: {} } : { type: 'text', text: '' };
  const delta = call ? { type: 'input_json_delta', partial_json: '{}' } : { type: 'text_delta', text: 'ok' };
  stream(answer, [
    event('message_start', { message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } } }),
    event('content_block_start', { index: 0, content_block: block }),
    event('content_block_delta', { index: 0, delta }),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: call ? 'tool_use' : 'end_turn', stop_sequence: null }, usage: { output_tokens: 1 } }),
    event('message_stop', {}),
  ].join(''));
}

// OpenAI's responses.
function responses(answer, call) {
  const item = call
    ? { type: 'function_call', id: 'fc_1', call_id: `call_${sequence}`, ...calledTool(), arguments: '{}', status: 'completed' }
    : { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'ok', annotations: [] }] };
  const response = { id: 'resp_1', object: 'response', created_at: seconds(), model: 'model', status: 'completed', output: [item], usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2, input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } } };
  const text = [
    event('response.content_part.added', { item_id: 'msg_1', output_index: 0, content_index: 0, part: { type: 'output_text', text: '', annotations: [] } }),
    event('response.output_text.delta', { item_id: 'msg_1', output_index: 0, content_index: 0, delta: 'ok' }),
    event('response.output_text.done', { item_id: 'msg_1', output_index: 0, content_index: 0, text: 'ok' }),
  ];
  stream(answer, [
    event('response.created', { response: { ...response, status: 'in_progress', output: [], usage: null } }),
    event('response.output_item.added', { output_index: 0, item: { ...item, status: 'in_progress', content: call ? undefined : [] } }),
    ...(call ? [] : text),
    event('response.output_item.done', { output_index: 0, item }),
    event('response.completed', { response }),
  ].join(''));
}

// OpenAI's chat completions.
function completions(answer, call) {
  const chunk = (delta, finish) => `data: ${JSON.stringify({ id: 'chat_1', object: 'chat.completion.chunk', created: seconds(), model: 'model', choices: [{ index: 0, delta, finish_reason: finish }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } })}\n\n`;
  const delta = call ? { tool_calls: [{ index: 0, id: `call_${sequence}`, type: 'function', function: { ...calledTool(), arguments: '{}' } }] } : { content: 'ok' };
  stream(answer, chunk({ role: 'assistant', ...delta }, null) + chunk({}, call ? 'tool_calls' : 'stop') + 'data: [DONE]\n\n');
}

const apis = { messages, responses, completions };
const apiOf = (url) => apis[url.pathname.split('/').at(-1)];
// What clients want to know before they send anything: for anybody, and with a token.
const metadata = (url) => ({ issuer: url.origin, token_endpoint: `${url.origin}/oauth2/token`, authorization_endpoint: `${url.origin}/authorize`, jwks_uri: `${url.origin}/jwks`, response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'] });
const facts = {
  '/oauth2/v3/userinfo': { sub: 'person' },
  '/backend-api/wham/accounts/check': { accounts: [{ id: 'account', workspace_backend_origin: 'https://chatgpt.com', account_routing_override: 'NO_CONSTRAINT' }], default_account_id: 'account', account_ordering: ['account'] },
};
const json = (answer, status, body) => answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

const controls = {
  login: (query) => issue({}, Number(query.get('expires_in'))),
  expires_in: (query) => { lifetime = Number(query.get('s')); },
  refuse_old: (query) => { refuseOld = query.get('on') === '1'; },
  tool: (query) => { tool = Object.fromEntries(query); },
  hold: (query) => { holds[query.get('what')] = Number(query.get('n')); },
  is_current: (query) => {
    const family = refreshTokens.get(query.get('token'));
    return family !== undefined && !family.revoked && family.refreshToken === query.get('token');
  },
  release: (query) => {
    for (const what of query.has('what') ? [query.get('what')] : Object.keys(holds)) {
      holds[what] = Number(query.get('n'));
      held[what].splice(0).forEach((go) => go());
    }
  },
};

// Resolves to whether the request was held.
function pass(what, note) {
  if (holds[what] === 0) return Promise.resolve(false);
  --holds[what];
  note('held', what);
  return new Promise((go) => held[what].push(() => go(true)));
}

const parametersOf = (incoming, body) =>
  incoming.headers['content-type']?.includes('json') ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body));

// Codex compresses what it sends; it has no request without tools.
const offersTools = (incoming, body) => incoming.headers['content-encoding'] || body.includes('"tools":[{');

async function serve(incoming, body, answer) {
  const url = new URL(incoming.url, `https://${incoming.headers.host}`);
  if (url.pathname.startsWith('/control/')) return json(answer, 200, controls[url.pathname.split('/')[2]](url.searchParams) ?? {});
  const entry = { host: url.hostname, path: url.pathname, agent: incoming.headers['user-agent'] };
  const note = (what, status) => appendFileSync(`${dir}/requests`, `${JSON.stringify({ ...entry, what, status })}\n`);
  if (incoming.method === 'POST' && tokenPaths.includes(url.pathname)) {
    await pass('token', note);
    const grant = url.hostname === 'oauth2.googleapis.com' ? refreshAtGoogle : refresh;
    const [status, members] = grant(parametersOf(incoming, body), entry);
    note('token', status);
    return json(answer, status, members);
  }
  if (url.pathname === '/.well-known/openid-configuration') return json(answer, 200, metadata(url));
  const api = incoming.method === 'POST' && apiOf(url);
  const what = api ? 'api' : 'other';
  entry.accessToken = incoming.headers.authorization?.replace(/^Bearer /, '');
  if (!api && !facts[url.pathname]) {
    const status = incoming.headers.upgrade ? 426 : 404; // no WebSockets
    note(what, status);
    return json(answer, status, { error: { message: 'not found' } });
  }
  if (!accepts(entry.accessToken)) {
    note(what, 401);
    return json(answer, 401, { error: { type: 'authentication_error', code: 'token_expired', message: 'the access token is not valid' } });
  }
  note(what, 200);
  if (api) return api(answer, await pass('api', note) && offersTools(incoming, body));
  json(answer, 200, facts[url.pathname]);
}

createServer({ key: readFileSync(`${dir}/key.pem`), cert: readFileSync(`${dir}/cert.pem`) }, (incoming, answer) => {
  const parts = [];
  incoming.on('data', (part) => parts.push(part));
  incoming.on('end', () => serve(incoming, Buffer.concat(parts).toString(), answer));
}).listen(443, '127.0.0.1', () => writeFileSync(`${dir}/ready`, `${process.pid}\n`));
process.on('SIGTERM', () => process.exit(0));
