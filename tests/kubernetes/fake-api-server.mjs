// SPDX-License-Identifier: Apache-2.0
// A fake of the Kubernetes API server: Secrets of the namespace oci-oauth, with lists and watches of one name, JSON
// patches, Roles that name Secrets, and the ways to fail that the tests ask for. With --openapi also what kubectl
// reads before it sends a manifest: the OpenAPI documents of those directories.
//
// usage: node fake-api-server.mjs LAB [--openapi DIRECTORY:...]
// LAB has ca.pem, server.pem, server.key, server-expired.pem; it writes url and expired-url there and prints "ready".
// Tokens: admin, refresher, follower. The tests' side, without a token:
//   POST /fake/next       {method, status, headers, body, applies, cut, pad}: the answer to the next such request;
//                         applies: the request is carried out; cut: half of the answer, or none, and the connection ends
//   POST /fake/compact    older changes are gone
//   POST /fake/watches    {line, end, cut}: what all watches get
//   GET  /fake/requests   {"list": N, "watch": N, ...} and how many watches are open
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [lab, , openapi] = process.argv.slice(2);
const space = 'oci-oauth', longestSecret = 1024 * 1024, longestBody = 3 * 1024 * 1024;
const secrets = new Map();  // by name
const history = [];         // {version, type, object}
const watches = new Set();  // {name, response}
const counts = {};
const nexts = [];
let version = 100, oldest = 0;

const status = (code, reason, message, details = {}) => ({
  code, headers: {},
  body: JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code }) + '\n',
});
const answer = (code, object) => ({ code, headers: {}, body: JSON.stringify(object) + '\n' });
const notFound = (kind, name) => status(404, 'NotFound', `${kind} "${name}" not found`, { name, kind });
const gone = () => status(410, 'Expired', `too old resource version: (current: ${version})`);

const event = (type, object) => JSON.stringify({ type, object }) + '\n';
function record(type, object) {
  object.metadata.resourceVersion = String(++version);
  if (type === 'DELETED') secrets.delete(object.metadata.name);
  else secrets.set(object.metadata.name, object);
  history.push({ version, type, object: structuredClone(object) });
  for (const watch of watches) {
    if (watch.name === object.metadata.name) watch.response.write(event(type, object));
  }
}

const isTooLong = (secret) =>
  Object.values(secret.data ?? {}).reduce((sum, text) => sum + Buffer.from(text, 'base64').length, 0) > longestSecret;
const tooLong = (name) => status(422, 'Invalid', `Secret "${name}" is invalid: data: Too long: may not be more than ${longestSecret} bytes`,
  { name, kind: 'Secret', causes: [{ reason: 'FieldValueTooLong', message: 'Too long', field: 'data' }] });

// RFC 6902; throws where an operation fails.
function patched(secret, operations) {
  const made = structuredClone(secret);
  for (const { op, path, value } of operations) {
    const steps = path.split('/').slice(1);
    const last = steps.pop();
    const place = steps.reduce((object, step) => object?.[step], made);
    if (typeof place !== 'object') throw new Error(`${op} operation does not apply: ${path}`);
    if (op === 'test' && JSON.stringify(place[last]) !== JSON.stringify(value)) throw new Error(`testing value ${path} failed`);
    if (op === 'replace' && !(last in place)) throw new Error(`replace operation does not apply: ${path}`);
    if (op !== 'test') place[last] = value;
  }
  return made;
}

function permitted(user, verb, name) {
  if (user === 'admin') return true;
  const isLogin = /^oci-oauth-.*-login$/.test(name), isAccess = /^oci-oauth-/.test(name) && !isLogin;
  if (verb === 'list' || verb === 'watch') return isAccess || (isLogin && user === 'refresher');
  return user === 'refresher' && (verb === 'create' || (verb === 'patch' && (isAccess || isLogin)));
}

function create(body, where) {
  if (where !== space) return notFound('namespaces', where);
  const secret = { kind: 'Secret', apiVersion: 'v1', ...JSON.parse(body) };
  const name = secret.metadata.name;
  if (secrets.has(name)) return status(409, 'AlreadyExists', `secrets "${name}" already exists`, { name, kind: 'secrets' });
  if (isTooLong(secret)) return tooLong(name);
  secret.metadata.namespace = space;
  record('ADDED', secret);
  return answer(201, secret);
}

function patch(name, body) {
  const secret = secrets.get(name);
  if (!secret) return notFound('secrets', name);
  let made;
  try {
    made = patched(secret, JSON.parse(body));
  } catch (error) {
    return status(422, 'Invalid', 'the server rejected our request due to an error in our request',
      { causes: [{ reason: 'UnexpectedServerResponse', message: error.message }] });
  }
  if (isTooLong(made)) return tooLong(name);
  record('MODIFIED', made);
  return answer(200, made);
}

function watch(name, from, response) {
  if (from < oldest) return gone();
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.flushHeaders();
  for (const { version: at, type, object } of history) {
    if (at > from && object.metadata.name === name) response.write(event(type, object));
  }
  const watching = { name, response };
  watches.add(watching);
  response.on('close', () => watches.delete(watching));
  return null;
}

function secretsOf(request, url, body, response) {
  const [, where, name] = /^\/api\/v1\/namespaces\/([^/]+)\/secrets(?:\/([^/]+))?$/.exec(url.pathname) ?? [];
  if (!where) return status(404, 'NotFound', 'the server could not find the requested resource');
  const user = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  const isCertified = request.socket.authorized && request.socket.getPeerCertificate().subject;
  if (!['admin', 'refresher', 'follower'].includes(user) && !isCertified) return status(401, 'Unauthorized', 'Unauthorized');
  const selected = /^metadata\.name=(.*)$/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1];
  const verb = { POST: 'create', PATCH: 'patch', DELETE: 'delete' }[request.method] ?? (url.searchParams.get('watch') ? 'watch' : name ? 'get' : 'list');
  counts[verb] = (counts[verb] ?? 0) + 1;
  const next = nexts.findIndex(({ method = request.method }) => method === request.method);
  const scripted = next < 0 ? null : nexts.splice(next, 1)[0];
  if (scripted && !scripted.applies) return { code: scripted.status ?? 200, headers: scripted.headers ?? {}, body: scripted.body ?? '', ...scripted };
  const about = name ?? selected;
  if (!isCertified && !permitted(user, verb, about ?? '')) {
    return status(403, 'Forbidden', `secrets${about ? ` "${about}"` : ''} is forbidden: User "${user}" cannot ${verb} resource "secrets" in API group "" in the namespace "${where}"`,
      { name: about, kind: 'secrets' });
  }
  let made;
  if (verb === 'create') made = create(body, where);
  else if (verb === 'patch') made = patch(name, body);
  else if (verb === 'watch') made = watch(selected, Number(url.searchParams.get('resourceVersion')), response);
  else if (verb === 'delete' && !secrets.has(name)) made = notFound('secrets', name);
  else if (verb === 'delete') { record('DELETED', secrets.get(name)); made = answer(200, {}); }
  else if (verb === 'get') made = secrets.has(name) ? answer(200, { kind: 'Secret', apiVersion: 'v1', ...secrets.get(name) }) : notFound('secrets', name);
  else {
    const items = [...secrets.values()].filter(({ metadata }) => where === space && (!selected || metadata.name === selected));
    made = answer(200, { kind: 'SecretList', apiVersion: 'v1', metadata: { resourceVersion: String(version) }, items });
  }
  return scripted ? { ...made, ...scripted } : made;
}

const control = {
  '/fake/next': (asked) => nexts.push(asked),
  '/fake/compact': () => { oldest = version; },
  '/fake/watches': ({ line, end, cut }) => {
    for (const { response } of watches) {
      if (line) response.write(line);
      if (end) response.end();
      if (cut) response.destroy();
    }
  },
  '/fake/requests': () => ({ ...counts, open: watches.size }),
};

// "apis__apps__v1_openapi.json" is the document of the group version apis/apps/v1, OpenAPI 3.0.
const documents = new Map((openapi ?? '').split(':').filter((from) => from).flatMap((from) => readdirSync(from).map((name) => [name, from]))
  .filter(([name]) => name.endsWith('_openapi.json'))
  .map(([name, from]) => [name.replace('_openapi.json', '').replaceAll('__', '/'), JSON.parse(readFileSync(`${from}/${name}`))]));

// Their schemas as kubectl reads them: OpenAPI 2.0 in protocol buffers (gnostic's OpenAPIv2.proto).
const varint = (number) => (number < 128 ? [number] : [(number % 128) + 128, ...varint(Math.floor(number / 128))]);
const field = (number, bytes) => Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
const text = (number, value) => field(number, Buffer.from(value));
const all = (...parts) => Buffer.concat(parts.flat());
const named = (schemas) => Object.entries(schemas).map(([name, schema]) => field(1, all(text(1, name), field(2, encoded(schema)))));
function encoded(schema) {
  const [only] = schema.allOf ?? [];
  const { $ref, type, format, required, properties, items, additionalProperties, oneOf } = only?.$ref ? only : schema;
  const kinds = schema['x-kubernetes-group-version-kind'];
  return all(
    $ref ? text(1, $ref.replace('#/components/schemas/', '#/definitions/')) : [],
    format || oneOf ? text(2, format ?? 'int-or-string') : [],
    (required ?? []).map((name) => text(19, name)),
    additionalProperties ? field(21, field(1, encoded(additionalProperties))) : [],
    type || oneOf ? field(22, text(1, type ?? 'string')) : [],
    items ? field(23, field(1, encoded(items))) : [],
    properties ? field(25, all(named(properties))) : [],
    kinds ? field(31, all(text(1, 'x-kubernetes-group-version-kind'), field(2, text(2, JSON.stringify(kinds))))) : []);
}
const openapi2 = () => all(text(1, '2.0'), field(2, all(text(1, 'Kubernetes'), text(2, 'v1'))), field(8, Buffer.alloc(0)),
  field(9, all(named(Object.assign({}, ...[...documents.values()].map((document) => document.components.schemas))))));

// The kinds that a document has, as discovery tells them.
function resources(document) {
  const found = [];
  for (const [path, operations] of Object.entries(document.paths)) {
    const kind = operations.post?.['x-kubernetes-group-version-kind']?.kind;
    if (!kind || path.includes('{name}')) continue;
    found.push({ name: path.split('/').pop(), singularName: kind.toLowerCase(), namespaced: path.includes('{namespace}'), kind, verbs: ['create', 'get', 'patch'] });
  }
  return found;
}
function discovery(path) {
  const groups = [...documents.keys()].filter((name) => name.startsWith('apis/') && name.split('/').length === 3).map((name) => name.split('/'));
  if (path === '/api') return answer(200, { kind: 'APIVersions', versions: ['v1'] });
  if (path === '/apis') {
    return answer(200, { kind: 'APIGroupList', apiVersion: 'v1', groups: [...new Set(groups.map(([, name]) => name))].map((name) => {
      const versions = groups.filter(([, group]) => group === name).map(([, , at]) => ({ groupVersion: `${name}/${at}`, version: at }));
      return { name, versions, preferredVersion: versions.find(({ version: at }) => /^v\d+$/.test(at)) ?? versions[0] };
    }) });
  }
  if (path === '/openapi/v2') return { code: 200, headers: { 'Content-Type': 'application/octet-stream' }, body: openapi2() };
  const document = documents.get(path.slice(1));
  if (!document) return null;
  return answer(200, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: path.replace(/^\/apis?\//, ''), resources: resources(document) });
}

function route(request, body, response) {
  const url = new URL(request.url, 'https://localhost');
  const asked = control[url.pathname];
  if (asked) return answer(200, asked(body ? JSON.parse(body) : {}) ?? {});
  if (url.pathname === '/version') return answer(200, { major: '1', minor: '36', gitVersion: 'v1.36.4-fake' });
  if (body.length > longestBody) return status(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${longestBody}`);
  return (openapi && discovery(url.pathname)) || secretsOf(request, url, body, response);
}

function serve(certificate, name) {
  const read = (file) => readFileSync(`${lab}/${file}`);
  const server = createServer({ cert: read(certificate), key: read('server.key'), ca: read('ca.pem'), requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const made = route(request, Buffer.concat(parts).toString(), response);
      if (!made) return;  // a watch goes on
      const text = Buffer.concat([Buffer.from(made.body), Buffer.alloc(made.pad ?? 0, ' ')]);
      if (made.cut === 'all') return request.socket.destroy();
      response.writeHead(made.code, { 'Content-Type': 'application/json', 'Content-Length': text.length, ...made.headers });
      if (!made.cut) return response.end(text);
      response.write(text.subarray(0, text.length / 2), () => request.socket.destroy());
    });
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => {
    writeFileSync(`${lab}/${name}`, `https://localhost:${server.address().port}\n`);
    done();
  }));
}
await serve('server.pem', 'url');
await serve('server-expired.pem', 'expired-url');
console.log('ready');
