/** The Node kernel that this page was served with, over its HTTP extension. */

/** How the page reaches it. */
export interface NodeAccess {
  readonly base: URL;
  readonly token: string;
}

/** A plugin of the Node kernel. */
export interface NodePlugin {
  readonly id: string;
  readonly state: string;
}

/** An answer that is a stream. It was not read. */
export const STREAM = Symbol('stream');

/** What the Node kernel answered in place of a value. */
export class NodeCallError extends Error {
  override readonly name = 'NodeCallError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Takes the token out of the page, so that no later copy of its elements has it. Undefined for a page
 * that was served without a Node kernel.
 */
export function takeNodeAccess(page: Document): NodeAccess | undefined {
  const element = page.querySelector<HTMLMetaElement>('meta[name="plinth-node-token"]');
  element?.remove();
  const token = element?.content ?? '';
  return token === '' ? undefined : { base: new URL('node/', page.baseURI), token };
}

/** Asks it. */
export class NodeClient {
  readonly #access: NodeAccess;

  constructor(access: NodeAccess) {
    this.#access = access;
  }

  /**
   * Calls a command. Resolves to {@link STREAM} when the answer is one.
   *
   * @throws NodeCallError with the code that the kernel gave, or `node/unreachable`.
   */
  async execute(
    command: string,
    input: unknown,
    { signal, timeout }: { readonly signal: AbortSignal; readonly timeout: number },
  ): Promise<unknown> {
    const response = await this.#ask(
      `api/v1/commands/${encodeURIComponent(command)}?timeout=${timeout}`,
      {
        method: 'POST',
        signal,
        headers: { 'content-type': 'application/json' },
        ...(input !== undefined && { body: JSON.stringify(input) }),
      },
    );
    if (response.status === 204) return undefined;
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
      await response.body?.cancel();
      return STREAM;
    }
    return (await response.json()) as unknown;
  }

  /** Its plugins. @throws NodeCallError. */
  async plugins(signal: AbortSignal): Promise<readonly NodePlugin[]> {
    const response = await this.#ask('api/v1/plugins', { signal });
    return ((await response.json()) as { readonly plugins: readonly NodePlugin[] }).plugins;
  }

  /** Opens a WebSocket with events. The token goes as a subprotocol, and in no address. */
  events(path: string, topics: readonly string[], cursor: string | undefined): WebSocket {
    const url = new URL(path, this.#access.base);
    url.protocol = url.protocol.replace('http', 'ws');
    for (const topic of topics) url.searchParams.append('topic', topic);
    if (cursor !== undefined) url.searchParams.set('cursor', cursor);
    return new WebSocket(url, ['plinth.events', `bearer.${this.#access.token}`]);
  }

  async #ask(path: string, request: RequestInit): Promise<Response> {
    const { base, token } = this.#access;
    const headers = new Headers(request.headers);
    headers.set('authorization', `Bearer ${token}`);
    headers.set('accept', 'application/json, text/event-stream');
    let response: Response;
    try {
      response = await fetch(new URL(path, base), { ...request, headers, cache: 'no-store' });
    } catch (cause) {
      if (request.signal?.aborted === true) throw cause;
      throw new NodeCallError('node/unreachable', 'the server of this page does not answer');
    }
    if (response.ok) return response;
    throw await problemOf(response);
  }
}

/** The error of a problem document (RFC 9457). */
async function problemOf(response: Response): Promise<NodeCallError> {
  const { status, statusText } = response;
  const body = (await response.json().catch(() => null)) as Problem | null;
  const { code, title, detail } = body ?? {};
  return new NodeCallError(
    typeof code === 'string' ? code : 'node/refused',
    String(detail ?? title ?? `${status} ${statusText}`),
  );
}

interface Problem {
  readonly code?: unknown;
  readonly title?: unknown;
  readonly detail?: unknown;
}
