/**
 * One request for a plugin: without cookies, and without following redirects, because a page isn't
 * told where they lead.
 */
import type { NetworkRequest, NetworkResponse } from '@plinth/kernel';
import { createError } from '@plinth/sdk/contract';

/** @throws PluginNetworkError `network/failed`, PluginOverloadedError `network/too-large`. */
export async function sendRequest({
  url,
  method,
  headers,
  body,
  signal,
  maxBytes,
}: NetworkRequest): Promise<NetworkResponse> {
  const response = await fetch(url, {
    method,
    headers: headers.map(([name, value]) => [name, value]),
    ...(body !== undefined && { body: body as Uint8Array<ArrayBuffer> }),
    signal,
    credentials: 'omit',
    redirect: 'manual',
    referrerPolicy: 'no-referrer',
    cache: 'no-store',
  });
  if (response.type === 'opaqueredirect')
    throw createError(
      'network/failed',
      `${url} redirects, and a page cannot look where to: name the URL it leads to`,
    );
  const reader = response.body?.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (let piece = await reader?.read(); piece?.value !== undefined; piece = await reader?.read()) {
    length += piece.value.length;
    if (length > maxBytes) {
      void reader?.cancel();
      throw createError('network/too-large', `the answer has more than ${maxBytes} bytes`);
    }
    pieces.push(piece.value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return {
    status: response.status,
    statusText: response.statusText,
    headers: [...response.headers],
    body: all,
  };
}
