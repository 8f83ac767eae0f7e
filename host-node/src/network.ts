/**
 * One request for a plugin: to an address that was checked before, without anything the plugin
 * didn't ask for.
 */

import { lookup } from 'node:dns/promises';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { BlockList, isIP } from 'node:net';
import type { NetworkRequest, NetworkResponse } from '@plinth/kernel';
import { createError } from '@plinth/sdk/contract';

/** Version, trace, span and flags of W3C trace context. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

/**
 * Addresses of this machine, of private networks, and of no network at all (RFC 6890 and its
 * registries).
 */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv6');
}

/**
 * @throws PluginPermissionError `permission/denied` for a private address, PluginNetworkError
 * `network/failed`, PluginOverloadedError.
 */
export async function sendRequest({
  url,
  method,
  headers,
  traceparent,
  body,
  signal,
  maxBytes,
  privateAllowed,
}: NetworkRequest): Promise<NetworkResponse> {
  const target = new URL(url);
  const host = target.hostname.replace(/^\[|\]$/g, '');
  const found =
    isIP(host) === 0 ? await lookup(host, { all: true }) : [{ address: host, family: isIP(host) }];
  const [first] = found;
  if (first === undefined) throw createError('network/failed', `${host} has no address`);
  // Every address is checked: a name may have a good one and a bad one.
  if (!privateAllowed && found.some(({ address, family }) => isPrivate(address, family))) {
    throw createError(
      'permission/denied',
      `${url} is not fetched: ${host} is an address of this machine or of a private network`,
      {
        details: { permission: 'network.fetch', scope: url },
      },
    );
  }
  signal.throwIfAborted();
  const request = target.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(
      target,
      {
        method,
        headers: {
          ...(TRACEPARENT.test(traceparent ?? '') && { traceparent }),
          ...Object.fromEntries(headers),
          ...(body !== undefined && { 'content-length': String(body.length) }),
          'accept-encoding': 'identity',
        },
        // Pinned: connects to the address that was checked.
        lookup: ((
          _name: string,
          options: { readonly all?: boolean },
          done: (error: null, address: unknown, family?: number) => void,
        ) =>
          options.all === true
            ? done(null, [first])
            : done(null, first.address, first.family)) as never,
        agent: false,
        signal,
      },
      (response) => {
        read(response, maxBytes).then(resolve, (error: unknown) => {
          sent.destroy();
          reject(error);
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

function isPrivate(address: string, family: number): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return PRIVATE.check(mapped, 'ipv4');
  return PRIVATE.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

async function read(response: IncomingMessage, maxBytes: number): Promise<NetworkResponse> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > maxBytes)
      throw createError('network/too-large', `the answer has more than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  const headers: [string, string][] = [];
  const { rawHeaders } = response;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    headers.push([(rawHeaders[index] as string).toLowerCase(), rawHeaders[index + 1] as string]);
  return {
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    headers,
    body: new Uint8Array(Buffer.concat(pieces)),
  };
}
