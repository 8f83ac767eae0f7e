/** Commands over HTTP: `POST /commands/<id>` with JSON, for the commands that the application exposes. */
import { jsonResponse, type Parts, requireUser } from './exchange.js';
import { readJson, traceparentOf } from './incoming.js';
import { covers } from './options.js';
import { refuse } from './problem.js';

/** An owner and a member. A provider of choice (`id@plugin`) is not for clients. */
const COMMAND = /^[a-z][a-z0-9.-]{0,127}:[a-zA-Z][a-zA-Z0-9.-]{0,127}$/;

/** Calls a command. @throws Refusal, or the error of the call. */
export async function answerCommand(request: Request, url: URL, parts: Parts): Promise<Response> {
  const { port, settings } = parts;
  const id = commandOf(url.pathname.slice('/commands/'.length));
  // Commands that aren't exposed look like those that don't exist.
  if (id === undefined || !covers(settings.expose, id))
    throw refuse(404, 'call/unknown-command', 'There is no such command.');
  if (request.method !== 'POST')
    throw refuse(405, 'http/method', 'Commands are called with POST.', { allow: 'POST' });
  const user = await requireUser(request, parts);
  const input = await readJson(request, settings.limits);
  const traceparent = traceparentOf(request);
  const answer = await port.calls.execute(id, input, {
    user,
    signal: request.signal,
    timeout: settings.limits.timeout,
    ...(traceparent !== undefined && { traceparent }),
  });
  return answerOf(answer, settings.limits.answer);
}

/** The answer of a command as JSON, or 204. @throws Refusal 502. */
export async function answerOf(answer: unknown, most: number): Promise<Response> {
  if (answer === undefined) return new Response(null, { status: 204 });
  if (isStream(answer)) {
    await answer.cancel?.();
    throw refuse(
      502,
      'call/invalid-output',
      "The answer is a stream, and can't be written as JSON.",
    );
  }
  return jsonResponse(answer, 200, most);
}

function commandOf(text: string): string | undefined {
  try {
    const id = decodeURIComponent(text);
    return COMMAND.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

const isStream = (value: unknown): value is { cancel?(): Promise<void> } =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
