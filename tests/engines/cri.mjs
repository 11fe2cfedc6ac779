// SPDX-License-Identifier: Apache-2.0
// One call of Kubernetes' Container Runtime Interface, as the kubelet makes it: prints the answer as JSON. CLIENTS has
// node_modules from npm, CRI the files of Debian's packages with the protocol.
//
// usage: node cri.mjs SOCKET CALL REQUEST
import {createRequire} from 'node:module';

const require = createRequire(`${process.env.CLIENTS}/`);
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [socket, call, request] = process.argv.slice(2);
const source = `${process.env.CRI}/usr/share/gocode/src`;
const seconds = 60;

const {runtime} = grpc.loadPackageDefinition(loader.loadSync('k8s.io/cri-api/pkg/apis/runtime/v1/api.proto',
  {keepCase: true, longs: String, enums: String, bytes: String, defaults: true, includeDirs: [source]}));
const service = new runtime.v1.RuntimeService(`unix://${socket}`, grpc.credentials.createInsecure());
const question = JSON.parse(request);
// A variable's value is a string in some versions of the protocol, bytes in others: both take this.
for (const variable of question.config?.envs ?? []) variable.value = Buffer.from(variable.value);
service[call](question, {deadline: Date.now() + seconds * 1000}, (error, answer) => {
  service.close();
  if (error) console.error(`cri: ${call}: ${error.details}`);
  else console.log(JSON.stringify(answer));
  process.exitCode = error ? 1 : 0;
});
