/**
 * Ways from available values to the outer realm: to its compilers, its global object, its modules.
 */
import { type AttackClass, reaching } from './attack.ts';

/** Everything reachable from some roots by properties, prototypes and getters. */
const crawl = (roots: string) => `
  const seen = new Set();
  const queue = [${roots}];
  while (queue.length > 0 && seen.size < 20_000) {
    const one = queue.shift();
    if ((typeof one !== 'object' && typeof one !== 'function') || one === null || seen.has(one)) continue;
    seen.add(one);
    if (isOutside(one) || (typeof one === 'function' && /Function$/.test(String(one.name)))) found(one);
    try { queue.push(Object.getPrototypeOf(one)); } catch {}
    let keys = [];
    try { keys = Reflect.ownKeys(one); } catch {}
    for (const key of keys) {
      try { const { value, get, set } = Object.getOwnPropertyDescriptor(one, key); queue.push(value, get, set); } catch {}
      try { const value = one[key]; if (value instanceof Promise) value.catch(() => {}); queue.push(value); } catch {}
    }
  }`;

export const realm: AttackClass = [
  'reach into the realm',
  [
    reaching('the constructor of a function', 'found((() => {}).constructor);'),
    reaching('the constructor of an async function', 'found((async () => {}).constructor);'),
    reaching('the constructor of a generator', 'found((function* () {}).constructor);'),
    reaching(
      'the constructor of an async generator',
      'found((async function* () {}).constructor);',
    ),
    reaching(
      'the constructor of a class and of its methods',
      'found((class { static m() {} }).constructor, (class { static m() {} }).m.constructor);',
    ),
    reaching(
      'the constructors of literals',
      "found([].constructor, ''.constructor, (0).constructor, /x/.constructor, (0n).constructor, Symbol.iterator.constructor);",
    ),
    reaching(
      'a function made by Reflect.construct',
      'found((() => {}).constructor, () => Reflect.construct((() => {}).constructor, ["return this"]));',
    ),
    reaching(
      'a compiler as the new.target of another class',
      'for (const make of [Object, Array, Error]) try { const one = Reflect.construct(make, [], (() => {}).constructor); found(one, one.constructor); } catch {} found((() => {}).constructor);',
    ),
    reaching(
      'the constructor of an error that the language throws',
      'try { null.x; } catch (error) { found(error, error.constructor.constructor); }',
    ),
    reaching(
      'the constructor of an error from the stack being full',
      'const down = () => down(); try { down(); } catch (error) { found(error, error.constructor.constructor); }',
    ),
    reaching(
      'an error thrown inside of the context with the stack nearly full',
      `let left = 400;
       const down = () => { try { return down(); } catch (error) { if (left > 0) { left -= 1; try { ctx.logger.info('x', { a: { b: 1 } }); ctx.permissions.has(1).catch(() => {}); } catch (inner) { candidates[left % 16] = inner; } } throw error; } };
       try { down(); } catch (error) { found(error); }`,
    ),
    reaching(
      'the error of a refused call',
      "await ctx.commands.execute('test.none:x').catch((error) => found(error, error.constructor.constructor, error.cause));",
    ),
    reaching(
      'the error of a contract that is misused',
      'try { ctx.provide(null, {}); } catch (error) { found(error, error.constructor.constructor); }',
    ),
    reaching(
      'Error.prepareStackTrace and what call sites hold',
      `try { Error.prepareStackTrace = (error, sites) => sites; } catch {}
       const { stack } = new Error(); if (Array.isArray(stack)) reached('call sites'); for (const site of Array.isArray(stack) ? stack : []) found(site.getThis?.(), site.getFunction?.());
       found((() => {}).constructor);`,
    ),
    reaching(
      'prepareStackTrace on an error class of its own',
      `class Mine extends Error { static prepareStackTrace(error, sites) { return sites; } }
       for (const error of [new Mine(), Object.assign(new Error(), { constructor: Mine })]) for (const site of Array.isArray(error.stack) ? error.stack : []) found(site, site.getThis?.(), site.getFunction?.());
       found((() => {}).constructor);`,
    ),
    reaching(
      'captureStackTrace on an object with getters',
      `const bag = {}; try { Error.captureStackTrace?.(bag); } catch {} found(Object.getOwnPropertyDescriptor(bag, 'stack')?.get, (() => {}).constructor);`,
    ),
    reaching(
      'caller and arguments of functions',
      `for (const key of ['caller', 'arguments']) { const d = Object.getOwnPropertyDescriptor(Function.prototype, key); found(d?.get, d?.value); }
       const sloppy = (() => {}).constructor("return arguments.callee.caller"); found(sloppy, (() => sloppy())());`,
    ),
    reaching(
      'Symbol.species of arrays and promises that the runtime makes',
      `class Trap extends Promise { constructor(run) { super((resolve, reject) => { found(resolve, reject); run(resolve, reject); }); } static get [Symbol.species]() { found(this); return Trap; } }
       const answer = ctx.storage.keys(''); try { answer.constructor = Trap; } catch {} answer.then(() => {}, () => {}); found(answer, answer.constructor.constructor); await answer.catch(() => {});`,
    ),
    reaching(
      'the functions that a thenable is given',
      `await new Promise((done) => { const thenable = { then(resolve, reject) { found(resolve, reject, this); resolve(1); done(); } }; Promise.resolve(thenable); });`,
    ),
    reaching(
      'getters and proxies in values given to the context',
      `const trap = new Proxy({}, { get(target, key, receiver) { found(receiver); return undefined; }, ownKeys() { try { null.x; } catch (error) { found(error); } return []; }, getPrototypeOf() { found(this); return null; } });
       for (const run of [() => ctx.events.emit('x', trap), () => ctx.commands.execute('test.neighbour:ping', trap), () => ctx.logger.info('x', trap), () => ctx.storage.set('k', trap)]) await attempt(run);
       const getter = { get a() { found(this); return (function () { return this; })(); } }; await attempt(() => ctx.events.emit('x', getter)); found((() => {}).constructor);`,
    ),
    reaching('a walk through everything that hangs on the context', crawl('ctx')),
    reaching(
      'a walk through everything that hangs on a call',
      crawl('call, call.signal, call.caller'),
    ),
    reaching(
      'a walk through everything that hangs on the global object',
      crawl('globalThis, this'),
    ),
    reaching(
      'a walk through what the classes of the platform make',
      crawl(`new URL('http://a/?b'), new URL('http://a/?b').searchParams.entries(), new TextDecoder(), new TextEncoder(), new AbortController(), AbortSignal.abort(), new EventTarget(), new Event('x'), new ReadableStream().getReader(),
        new WritableStream().getWriter(), new TransformStream(), setTimeout(() => {}, 1), performance, crypto, console, new Date(), new Intl.Segmenter().segment('a')[Symbol.iterator]()`),
    ),
    reaching(
      'constructors of the realm that are not those of the compartment',
      `for (const name of ['Error', 'RegExp', 'Symbol', 'Date', 'Promise', 'Map', 'TypeError']) if (!Object.isFrozen(globalThis[name])) reached(name);
       if (Error.prototype.constructor !== Error || RegExp.prototype.constructor !== RegExp || 'lastMatch' in RegExp) reached('the constructors behind the prototypes'); found((() => {}).constructor);`,
    ),
    reaching(
      'whatever hangs on the global object and can be changed for all compartments',
      `const seen = new Set([globalThis]), queue = Reflect.ownKeys(globalThis).map((key) => [globalThis[key], String(key)]);
       while (queue.length > 0) { const [one, path] = queue.shift(); if (Object(one) !== one || seen.has(one)) continue; seen.add(one); if (!Object.isFrozen(one) && path !== 'Symbol(Symbol.unscopables)' && !path.startsWith('console')) reached(path);
         queue.push([Object.getPrototypeOf(one), path + '.__proto__']); for (const key of Reflect.ownKeys(one)) { const { value, get, set } = Object.getOwnPropertyDescriptor(one, key); queue.push([value, path + '.' + String(key)], [get, path + '.' + String(key)], [set, path + '.' + String(key)]); } }
       found((() => {}).constructor);`,
    ),
    reaching(
      'prototypes of readers, writers, controllers and iterators, which the guest runtime uses too',
      `const made = [new ReadableStream().getReader(), new WritableStream().getWriter(), new TransformStream(), new URLSearchParams().entries(), new ReadableStream()[Symbol.asyncIterator]?.() ?? [], new Intl.Segmenter().segment('a')[Symbol.iterator](), new AbortController().signal, new Event('x')];
       new ReadableStream({ start: (c) => made.push(c) }); new ReadableStream({ type: 'bytes', start: (c) => made.push(c) }); new WritableStream({ start: (c) => made.push(c) }); new TransformStream({ start: (c) => made.push(c) });
       for (const one of made) for (let at = Object.getPrototypeOf(one); at !== null; at = Object.getPrototypeOf(at)) if (Reflect.defineProperty(at, 'owned', { value: 1, configurable: true })) reached(Object.prototype.toString.call(at));
       found((() => {}).constructor);`,
    ),
    reaching(
      'the signal of the context, its symbols and its prototype',
      crawl(
        'ctx.signal, Object.getPrototypeOf(ctx.signal), ...Object.getOwnPropertySymbols(ctx.signal).map((key) => ctx.signal[key])',
      ),
    ),
    reaching(
      'this and the path of events that are dispatched',
      `const { signal } = new AbortController(), target = new EventTarget(), hear = function (event) { found(this, event, event.target, event.currentTarget, event.srcElement, ...event.composedPath()); };
       target.addEventListener('x', hear); target.dispatchEvent(new Event('x')); target.addEventListener('y', { handleEvent: hear }); target.dispatchEvent(new Event('y'));
       const controller = new AbortController(); controller.signal.onabort = hear; controller.signal.addEventListener('abort', hear); controller.abort();`,
    ),
    reaching(
      'the controllers, readers and sources of streams',
      `const take = function (...values) { found(this, ...values); };
       const stream = new ReadableStream({ start: take, pull(c) { found(this, c); c.close(); }, cancel: take }); const reader = stream.getReader(); found(reader, reader.closed); await reader.read();
       const writable = new WritableStream({ start: take, write: take, close: take }); const writer = writable.getWriter(); await writer.write(1); found(writer, writer.ready);
       new TransformStream({ start: take, transform: take }); found(ReadableStream.from, await attempt(() => ReadableStream.from([1])));`,
    ),
    reaching(
      'custom inspection, which hands out the inspector',
      `const inspect = Symbol.for('nodejs.util.inspect.custom'), trap = { [inspect](depth, options, inspector) { found(inspector, options, options?.stylize); return 'x'; } };
       for (const one of [new URL('http://a/'), new URLSearchParams('a=1'), new Event('x'), new AbortController(), new AbortController().signal, new TextDecoder(), new ReadableStream(), new ReadableStream().getReader(), new WritableStream().getWriter(), new TransformStream()])
         for (let at = one; at !== null; at = Object.getPrototypeOf(at)) if (Object.hasOwn(at, inspect)) { try { at[inspect].call(one, 1, { trap, stylize: (text) => text, customInspect: true, showHidden: true }, (value) => { found(value); return ''; }); } catch (error) { found(error); } found(at[inspect]); }
       try { console.log(trap); } catch {} found((() => {}).constructor);`,
    ),
    reaching(
      'a clone by structuredClone',
      'for (const one of [{}, [], new Error("x"), new Map(), new Date(), /x/, new Uint8Array(1)]) { const clone = structuredClone(one); found(clone, clone.constructor.constructor); }',
    ),
    reaching(
      'structuredClone with getters in its options, of functions and of what is not to be cloned',
      `const options = { get transfer() { found(this); return []; } }; for (const one of [() => {}, ctx, globalThis, Symbol('x'), new WeakMap()]) try { structuredClone(one, options); } catch (error) { found(error, error.constructor.constructor); }`,
    ),
    reaching(
      'what timers answer',
      'found(setTimeout(() => {}, 0), setInterval(() => {}, 1e6), setTimeout(() => {}, 0)?._idlePrev, (() => {}).constructor);',
    ),
    reaching(
      'this in callbacks of timers, of microtasks and of finalisation',
      `await new Promise((done) => { setTimeout(function () { found(this); try { found(arguments.callee.caller); } catch {} done(); }, 0); }); await new Promise((done) => queueMicrotask(function () { found(this); done(); }));
       found(function () { return this; }(), (() => {}).constructor);`,
    ),
    reaching(
      'the promises and errors of crypto',
      `const digest = crypto.subtle?.digest('SHA-256', new Uint8Array(1)); found(digest, digest?.constructor?.constructor, await digest, crypto.constructor); try { crypto.getRandomValues({}); } catch (error) { found(error, error.constructor.constructor); }`,
    ),
    reaching(
      'the console and what it prints',
      `const trap = { toJSON() { found(this); return (function () { return this; })(); } }; console.log(trap, { get stack() { found(this); return ''; } }); found(console.log, console.constructor);`,
    ),
    reaching(
      'names of the realm around',
      'for (const name of ["process", "require", "module", "global", "window", "parent", "top", "Compartment", "lockdown", "harden", "ModuleSource", "Deno", "Bun", "WorkerGlobalScope"]) try { found((0, eval)(name)); } catch {} found((() => {}).constructor);',
    ),
    reaching(
      'a compartment of its own',
      `for (const make of [() => Compartment, () => globalThis.Compartment, () => self.Compartment]) try { const C = make(); const inner = new C({}); found(inner.globalThis.Function, inner.evaluate('(() => {}).constructor')); } catch {} found((() => {}).constructor);`,
    ),
    reaching(
      'the names of its scope, made unscopable',
      `try { globalThis[Symbol.unscopables] = { process: true, Function: true, globalThis: true, eval: true }; } catch {} try { Object.prototype[Symbol.unscopables] = { eval: true }; } catch {}
       for (const text of ['process', 'Function', 'globalThis', 'this']) try { found((0, eval)(text), Function('return ' + text)()); } catch {}`,
    ),
    reaching(
      'globals redefined as getters, proxies and evaluators',
      `let left = 8;
       for (const name of ['eval', 'Function']) try { const was = globalThis[name]; Object.defineProperty(globalThis, name, { get() { if (left-- > 0) found(this, was); return was; }, configurable: true }); } catch {}
       try { Object.setPrototypeOf(globalThis, new Proxy({}, { get(target, key, receiver) { if (left-- > 0) found(receiver); return Reflect.get(target, key); } })); } catch {}
       try { process; } catch {} try { (0, eval)('1'); } catch {} found((() => {}).constructor);`,
    ),
    reaching(
      'JSON.parse with a reviver, and what sort, replace and from call',
      `JSON.parse('[1]', function (key, value) { found(this); return value; }); [2, 1].sort(function () { found(this); return 0; }); 'x'.replace(/x/, function () { found(this); return ''; }); Array.from([1], function () { found(this); }); found((() => {}).constructor);`,
    ),
    reaching(
      'the prototypes of iterators',
      `const proto = Object.getPrototypeOf; for (const one of [[].values(), new Map().keys(), ''.matchAll(/x/g), (function* () {})(), (async function* () {})()]) for (let at = one; at !== null; at = proto(at)) found(at, at.constructor);`,
    ),
    reaching(
      'what the manifest, the configuration and the needs of the context are made of',
      'found(ctx.plugin.manifest, ctx.config, ctx.needs, Object.getPrototypeOf(ctx), ctx.plugin.manifest.constructor, ctx.commands.handle, ctx.commands.handle.constructor);',
    ),
    reaching(
      'the handle of a registration, and its dispose',
      `const handle = ctx.commands.handle('other', () => {}); found(handle, handle.dispose, handle[Symbol.dispose], handle.constructor.constructor); handle.dispose();`,
    ),
    reaching(
      'a stream of the host',
      'found(input, input?.[Symbol.asyncIterator], input?.[Symbol.asyncIterator]?.(), input?.constructor?.constructor, (() => {}).constructor);',
      {
        scene: { input: new Map([['a', [new Date(0), /x/g, new Error('x')]]]) },
      },
    ),
  ],
];
