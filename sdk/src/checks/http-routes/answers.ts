/** Checks of what `handle()` answers where a route is listed. */
import { type Checks, ensure, ensureUnique } from '../check.js';
import type { Probe } from './probe.js';

/** A token and a field value of RFC 9110. Anything else could end the header and begin another. */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~\w]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Checks of the answers of listed `GET` routes. */
export function answers(probe: Probe): Checks {
  return {
    'handle() knows every GET that is listed': async () => {
      for (const { path, answer } of await probe.answers()) {
        const { status } = answer;
        ensure(
          status >= 200 && status < 500,
          `GET ${path} is listed and should be answered, not with ${status}`,
        );
        ensure(
          status !== 404 && status !== 405,
          `GET ${path} is listed, and the answer is ${status}`,
        );
      }
    },
    'handle() answers with texts or bytes': async () => {
      for (const { path, answer } of await probe.answers()) {
        const { body } = answer;
        const fits =
          body === undefined ||
          body === null ||
          typeof body === 'string' ||
          body instanceof ArrayBuffer ||
          ArrayBuffer.isView(body);
        ensure(fits, `the body of GET ${path} is neither text nor bytes`, { type: typeof body });
      }
    },
    'handle() answers with headers that can be sent': async () => {
      for (const { path, answer } of await probe.answers()) {
        ensureUnique(
          Object.keys(answer.headers).map((name) => name.toLowerCase()),
          `GET ${path}: header`,
        );
        for (const [name, values] of Object.entries(answer.headers)) {
          const fits = [values].flat().every((value) => HEADER_VALUE.test(value));
          ensure(
            HEADER_NAME.test(name) && fits,
            `the header '${name}' of GET ${path} can't be sent`,
          );
        }
      }
    },
    'handle() answers a GET the same again': async () => {
      for (const { path, area, answer } of await probe.answers()) {
        const again = await probe.statusOf({ method: 'GET', path, area });
        ensure(again === answer.status, `GET ${path} answered ${answer.status}, then ${again}`);
      }
    },
  };
}
