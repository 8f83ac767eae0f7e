/**
 * The demo for Node: runs a scenario with the plugins in worker threads. Fails when a step doesn't
 * do what it should.
 */
import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKernel, type Kernel } from '@plinth/host-node';
import { type Notice, ui } from '@plinth/ui/host';
import { renderView } from '@plinth/ui/html';
import { Clock } from '../plugins/clock/src/contract.ts';
import { Notes } from '../plugins/notes/src/contract.ts';
import { Rogue } from '../plugins/rogue/src/contract.ts';
import { Search } from '../plugins/search/src/contract.ts';
import { chapter, failed, finished, line } from './transcript.ts';

const plugins = fileURLToPath(new URL('../dist/plugins', import.meta.url));
/** The plugins in the scenario; the others only start. */
const CAST = ['demo.clock', 'demo.markdown', 'demo.notes', 'demo.rogue', 'demo.search'];
/** Milliseconds to wait for an expected event. */
const PATIENCE = 10_000;

const data = await mkdtemp(join(tmpdir(), 'plinth-demo-'));
const started = performance.now();
try {
  await withKernel(async (kernel) => {
    await meet(kernel);
    await writeNotes(kernel);
    await showViews(kernel);
    await changePace(kernel);
    await misbehave(kernel);
  });
  await withKernel(comeBack);
  finished(`the scenario succeeded in ${Math.round(performance.now() - started)} ms`);
} catch (error) {
  failed(error);
  process.exitCode = 1;
} finally {
  await rm(data, { recursive: true, force: true });
}

async function withKernel(tell: (kernel: Kernel) => Promise<void>): Promise<void> {
  const present = {
    notify: ({ name, text }: Notice) => line(name, text),
    ask: async () => null,
  };
  const kernel = await createKernel({
    ...{ plugins, data, limits: { deactivate: 500 } },
    extensions: [ui({ slots: ['main', 'sidebar'], present })],
  });
  try {
    await kernel.start();
    await tell(kernel);
  } finally {
    await kernel.stop();
  }
}

async function meet(kernel: Kernel): Promise<void> {
  chapter('A kernel starts');
  for (const { id, version, state } of kernel.plugins.list()) {
    line('kernel', `${id}@${version}`, state);
    assert.equal(state, 'active', kernel.plugins.explain(id).because);
  }
  for (const id of CAST)
    assert.ok(kernel.plugins.get(id), `${id} is expected in ${plugins}: run the build first`);
}

async function writeNotes(kernel: Kernel): Promise<void> {
  chapter('Notes are written, rendered and found');
  const notes = kernel.client(Notes);
  const { id } = await notes.add({ text: '  Buy **milk** and `bread`  \n\n\n\n' });
  const note = await notes.get({ id });
  line('notes', `add "  Buy **milk** and \`bread\`  ⏎⏎⏎⏎"`, id);
  line('markdown', 'tidied it on its way in', JSON.stringify(note?.text));
  assert.equal(
    note?.text,
    'Buy **milk** and `bread`',
    'the middleware of demo.markdown tidies notes',
  );
  await notes.add({ text: 'Call the **plumber** <script>alert(1)</script>' });
  line('notes', 'add "Call the **plumber** <script>…"', 'n2');

  const html = await kernel.hooks.waterfall(Notes.render, note.text);
  line('markdown', 'renders n1', html);
  assert.equal(html, '<p>Buy <strong>milk</strong> and <code>bread</code></p>');

  const search = kernel.client(Search);
  const hits = await until('the search knows a new note', async () => {
    const found = await search.query({ text: 'plumb' });
    return found.length > 0 ? found : undefined;
  });
  line(
    'search',
    'query "plumb"',
    hits.map((hit) => `${hit.id} (${hit.score.toFixed(2)})`).join(', '),
  );
  assert.deepEqual(
    hits.map((hit) => hit.id),
    ['n2'],
  );
}

async function showViews(kernel: Kernel): Promise<void> {
  chapter('The same views as in a page are made as HTML');
  const workbench = kernel.extension(ui);
  for (const { plugin, id: view, title } of [
    ...workbench.views('main'),
    ...workbench.views('sidebar'),
  ]) {
    const html = await renderView(kernel, { plugin, view });
    line(title.toLowerCase(), `its view '${view}'`, `${html.length} characters`);
    assert.match(html, plugin === 'demo.notes' ? /plumber/ : /ticks/);
  }
}

async function changePace(kernel: Kernel): Promise<void> {
  chapter('Settings change while a plugin runs');
  const { interval } = await kernel.client(Clock).now();
  line('clock', 'ticks each', `${interval} ms`);
  await kernel.config.set('demo.clock', { interval: 20 });
  const ticks = await nextTick(kernel);
  line('host', 'sets its interval to 20 ms', `tick ${ticks} came`);
}

async function misbehave(kernel: Kernel): Promise<void> {
  chapter('A plugin misbehaves, and the others go on');
  const rogue = kernel.client(Rogue);
  for (const { what, allowed, code } of await rogue.ask()) {
    line('rogue', what, code);
    assert.equal(allowed, false, `${what} must be denied`);
  }

  const forged = await rogue.forge({ kind: 'comlink' });
  const { refused } = await kernel.plugins.health('demo.rogue');
  line('rogue', `forges ${forged.sent} messages on its raw port`, `${refused} refused`);
  assert.equal(refused, forged.sent);

  await rogue.throwLater();
  const because = await until('a crash is noticed', async () => {
    const explanation = kernel.plugins.explain('demo.rogue');
    return explanation.running ? undefined : explanation.because;
  });
  line('rogue', 'throws an error that is not caught');
  line('kernel', 'explains', because);
  await notesAnswer(kernel);

  await kernel.plugins.activate('demo.rogue');
  line('host', 'starts it again', kernel.plugins.get('demo.rogue')?.state);
  const spinning = rogue.spin({}).then(
    () => assert.fail('a call that never ends must not be answered'),
    (error: Error & { code?: string }) => error.code,
  );
  line('rogue', 'spins for ever');
  await notesAnswer(kernel);
  await kernel.plugins.deactivate('demo.rogue');
  line('host', 'stops it', `its call ended with ${await spinning}`);
}

async function comeBack(kernel: Kernel): Promise<void> {
  chapter('A second kernel opens the same data');
  for (const { id, text } of await kernel.client(Notes).list())
    line('notes', id, JSON.stringify(text));
  const { notes, reused } = await kernel.client(Search).stats();
  line('search', 'took its index from storage', `${reused} of ${notes} entries`);
  assert.deepEqual([notes, reused], [2, 2], 'notes and index survive a restart');
}

async function notesAnswer(kernel: Kernel): Promise<void> {
  const asked = performance.now();
  const notes = await kernel.client(Notes).list(undefined, { timeout: PATIENCE });
  line(
    'notes',
    'still answer',
    `${notes.length} notes in ${(performance.now() - asked).toFixed(1)} ms`,
  );
  assert.equal(notes.length, 2);
}

async function nextTick(kernel: Kernel): Promise<number> {
  const ticked = Promise.withResolvers<number>();
  const listening = kernel.events.once(Clock.tick, ({ ticks }) => ticked.resolve(ticks));
  const timer = setTimeout(
    () => ticked.reject(new Error(`no tick within ${PATIENCE} ms`)),
    PATIENCE,
  );
  try {
    return await ticked.promise;
  } finally {
    clearTimeout(timer);
    listening.dispose();
  }
}

/** Asks repeatedly until there is an answer. */
async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`${what}: not within ${PATIENCE} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
