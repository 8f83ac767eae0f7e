/** What each error code means, and what helps: the text of docs/errors.md. */
import type { ErrorCode } from '@plinth/sdk/contract';

/** For each code: its meaning, then its cure. */
export const ERROR_MEANINGS: Readonly<Record<ErrorCode, readonly [string, string]>> = {
  'call/cancelled': [
    'The caller has cancelled the call, or the plugin that made it has stopped.',
    'Nothing is wrong unless you did not cancel: then look at the `signal` that was passed.',
  ],
  'call/circuit-open': [
    'The breaker of the command is open after too many failed attempts.',
    'Find why the attempts fail; the breaker allows one again after its pause. See [policies](resilience.md).',
  ],
  'call/cycle': [
    'A chain of calls has come back to where it has been, or is too long. The message shows the chain.',
    'Break the circle: answer from what the plugin knows, or emit an event instead.',
  ],
  'call/duplicate': [
    'The command or hook is registered already, by the plugin that the message names.',
    'Register each name once. A contract that several plugins provide has to be open.',
  ],
  'call/failed': [
    'A handler threw something that is not an error, or an error that cannot be read.',
    'Throw an `Error`, or declare the error in the contract and use `call.fail`.',
  ],
  'call/invalid-input': [
    "The input doesn't fit the schema of the command. The caller is at fault; `details.issues` has each path.",
    'Send what the contract says. If caller and provider are built from different versions, compare them with `compat`.',
  ],
  'call/invalid-option': [
    'An option of a call is unknown or has a wrong value.',
    'Correct the option that the message names.',
  ],
  'call/invalid-output': [
    "The answer doesn't fit the schema of the command. The provider is at fault.",
    'Correct the handler, or the schema of the output.',
  ],
  'call/overloaded': [
    'Too many calls wait, run or have open streams: the queue, the bulkhead or a limit is full.',
    'Retry later, send fewer calls at once, read or cancel streams, or raise the limit.',
  ],
  'call/rate-limited': [
    'The caller has used up its rate for this command.',
    'Wait for `details.retryAfter` ms, or raise the rate in the policy.',
  ],
  'call/timeout': [
    "The call's time is over. Its handler was told by `call.signal`.",
    'Find what is slow, or give the call more time with `{ timeout }` in ms.',
  ],
  'call/unauthenticated': [
    'The command requires a user, and the call has none.',
    'Sign the user in, and call with `{ user }`.',
  ],
  'call/undeclared-error': [
    "A handler called `call.fail` with a code that the contract doesn't declare.",
    'Add the error to `errors` of the command, or use a declared one.',
  ],
  'call/unknown-command': [
    "No plugin here answers this command, or a running one hasn't registered what its manifest promises.",
    'Check the spelling and that the provider is installed: `kernel.commands.list()`.',
  ],
  'config/invalid': [
    "Settings don't fit the schema, or the plugin refused them. `details` names each path and layer.",
    'Correct the values in the layer that is named. A running plugin keeps its old settings.',
  ],
  'contract/invalid': [
    'A contract is not well formed: its id, or one of its members.',
    "Write `contract('<plugin id>@<major>', { … })` with commands, events and hooks.",
  ],
  'contract/violated': [
    "An implementation of a standard contract fails one of the contract's checks, which the message names.",
    'Correct the implementation until `contractChecks` passes.',
  ],
  'event/invalid': [
    "A payload doesn't fit the schema of its event (the emitter is at fault), or the topic is no topic.",
    'Emit what the contract says, under a topic like `<owner>:<name>`.',
  ],
  'extension/cycle': [
    'Extensions stand in a circle of `before`, `after` and `requires`. The message has the path.',
    'Remove one of the conditions on the path.',
  ],
  'extension/duplicate': ['Two extensions have the same name.', 'Pass each extension once.'],
  'extension/failed': [
    'An extension threw or hung while it was installed or opened, or its `for` threw.',
    "Look at the `cause`; the extension's author has to correct it.",
  ],
  'extension/in-use': [
    'One instance of an extension was given to two kernels.',
    'Call its factory once for each kernel.',
  ],
  'extension/late': [
    'A power that shapes how plugins start was used after `open` was over.',
    "Use it in `install` or in `port.on('open', …)`.",
  ],
  'extension/missing': [
    "An extension requires one that isn't there, or another copy of it.",
    'Add the line that the message shows to `extensions`.',
  ],
  'extension/undeclared': [
    "An extension used a power, or told an event, that its definition doesn't declare.",
    'Add it to `uses` or to `events` of `defineExtension`.',
  ],
  'fs/failed': [
    'The file system refused, or this runtime has no files.',
    'Look at the `cause`; a plugin that requires files says `"runtimes": ["node"]`.',
  ],
  'fs/invalid': [
    'A path or an argument of `ctx.fs` is not valid.',
    'Use plain absolute paths without `..`.',
  ],
  'fs/quota': [
    "The write exceeds the plugin's quota. Nothing was written.",
    'Delete what is no longer needed, or raise `permissions.storage.quota` and the policy.',
  ],
  'guest/crashed': [
    'The plugin ended by an error that nothing caught, or by an unhandled rejection.',
    'Look at the stack in the log; usually an `await` is missing. It restarts by itself.',
  ],
  'guest/exited': [
    'The guest of the plugin ended by itself.',
    'Remove what ends it. It restarts by itself.',
  ],
  'guest/out-of-memory': [
    'The plugin used more memory than its guest may have.',
    'Find the leak, or raise `resources.memory` and `policy.resources`.',
  ],
  'guest/over-limit': [
    'The plugin was ended because it used more of a resource than the policy allows.',
    'Look at `kernel.plugins.usage(id)`; correct the plugin or raise the limit.',
  ],
  'guest/terminated': [
    'The guest was ended while something waited for it: the plugin was stopped or replaced.',
    'Retry: the next guest answers.',
  ],
  'guest/unresponsive': [
    'The plugin was silent for too long, usually in an endless loop, and was ended.',
    'Profile it (`kernel.plugins.profile(id)`), and split long work. It restarts by itself.',
  ],
  'hook/failed': [
    'A handler of a hook that was asked with `strict` failed.',
    'Look at the `cause` and at `plugin`, which names the handler.',
  ],
  'hook/no-handler': [
    'A hook was asked with `strict`, and no plugin handles it.',
    'Install or start a handler, or ask without `strict`.',
  ],
  'kernel/invalid-option': [
    'An option of the kernel, a host or a source is unknown or has a wrong value.',
    'Correct the option that the message names; it has the closest known name.',
  ],
  'kernel/stopped': [
    'The kernel has stopped, or is stopping.',
    'Make another kernel. Stop it only after its users.',
  ],
  'manifest/invalid': [
    "`plugin.json` doesn't fit its schema. Each problem has its path, and often the key that was meant.",
    'Correct it; `plinth validate --fix` helps. See the [manifest reference](manifest.md).',
  ],
  'manifest/missing': [
    'There is no `plugin.json` at this place, or it is empty.',
    'Check the path or the URL.',
  ],
  'manifest/not-json': [
    '`plugin.json` is no JSON. From a server it is often an HTML page.',
    'Correct the place that is named, or the URL.',
  ],
  'manifest/too-large': ['`plugin.json` is larger than 256 kB.', 'Move data out of the manifest.'],
  'message/no-handler': [
    'The plugin takes no messages, or no `MessageHandler` is confident.',
    'Check the id, or the `type` of the message and `contributes.messages`.',
  ],
  'middleware/cycle': [
    'Middleware stands in a circle of `before` and `after`.',
    'Remove one of the conditions.',
  ],
  'middleware/failed': ['A middleware threw.', 'Look at the `cause` and at `plugin`.'],
  'middleware/next-twice': [
    'A middleware called `next` twice.',
    'Call it at most once; keep its promise to use the answer twice.',
  ],
  'middleware/unavailable': [
    "A guard of the call can't answer. The message names it and its state.",
    'Start the guard, or remove it: `disable`, `uninstall` or `permissions.revoke`.',
  ],
  'network/failed': [
    "The request didn't reach the server, or was refused on its way.",
    'Look at the `cause`; retry later.',
  ],
  'network/invalid': [
    'The URL or an option of `ctx.fetch` is not valid.',
    'Correct what the message names.',
  ],
  'network/too-large': [
    'The response has more bytes than `ctx.fetch` takes.',
    'Ask for less: a page, a range, a smaller format.',
  ],
  'permission/consent-required': [
    'An update or an installation asks for more rights, and nothing has agreed. `details` has the difference.',
    'Answer in `kernel.permissions.onRequest(handler)`.',
  ],
  'permission/denied': [
    'The plugin may not do this. `details.reason` is `manifest`, `policy`, `revoked`, `extension`, `self` or `trust`.',
    'Add the line in `details.add` to the manifest or the policy, or leave it denied.',
  ],
  'permission/invalid': [
    'A permission or a scope is not well formed.',
    'Use a name and scope of [rights](security.md#rights).',
  ],
  'permission/rate': [
    'The plugin used a right more often than the rate in its scope allows.',
    'Use it less often, or raise the rate.',
  ],
  'plugin/activation-failed': [
    "The plugin's `activate` threw. The `cause` has the stack.",
    'Correct the plugin, then `kernel.plugins.activate(id)` or `reload(id)`.',
  ],
  'plugin/cycle': [
    'Plugins require each other. The message has the path.',
    'Make one of the needs optional, or use an event.',
  ],
  'plugin/deactivation-failed': [
    "The plugin was stopped, but its `deactivate` threw or didn't end in time.",
    'Correct the plugin. What it owned has been released.',
  ],
  'plugin/dependency-failed': [
    'A plugin that this one requires failed or is gone. The message has the path to the cause.',
    'Correct the last plugin of the path; this one goes on by itself.',
  ],
  'plugin/digest-mismatch': [
    "A file differs from its digest in the manifest's `files`.",
    'Bundle again, and deliver manifest and files together.',
  ],
  'plugin/disabled': ['The plugin is disabled.', '`kernel.plugins.enable(id)`.'],
  'plugin/downgrade': [
    'An update has no later version than the one that runs.',
    'Raise the version, or use `rollback`.',
  ],
  'plugin/duplicate': [
    'Two places have the same id and version; the first one found is used.',
    'Remove one of them.',
  ],
  'plugin/hook-failed': [
    "A method of the plugin's life, such as `suspend` or `getState`, threw.",
    'Look at the `cause`; correct the plugin.',
  ],
  'plugin/illegal-transition': [
    "The plugin's state doesn't allow this operation. Nothing has changed.",
    'Look at its state with `kernel.plugins.explain(id)`. See [lifecycle](lifecycle.md).',
  ],
  'plugin/incompatible': [
    'The kernel, the runtime or a required feature is not what the plugin requires.',
    'Use a version of the plugin for this kernel, or correct `engines`, `runtimes` and `requiredFeatures`.',
  ],
  'plugin/launch-failed': [
    "The guest couldn't be started. The message names the missing wall or the reason.",
    'See [security](security.md#walls) for what each isolation requires.',
  ],
  'archive/refused': [
    "An archive isn't one that `plinth bundle` makes: it is damaged or too large, or holds links or paths that lead out.",
    'Get it again from where it was published.',
  ],
  'plugin/load-failed': [
    "The bundle couldn't be read or evaluated: a missing file, a syntax error, an import, another format.",
    'Correct what the message names; `plinth bundle` makes a bundle that loads.',
  ],
  'plugin/no-previous-version': [
    'There is no version to roll back to, or its package is gone.',
    'Install the version that you want with `update` or `install`.',
  ],
  'plugin/not-found': [
    'No plugin has this id, or none in the range.',
    'Check the spelling: `kernel.plugins.list()`.',
  ],
  'plugin/over-limit': [
    'The plugin used more than `policy.resources` allows, and pauses.',
    'It goes on after its pause. Correct it, or raise the limit.',
  ],
  'plugin/source-failed': [
    "A source of plugins couldn't be read, or has not ended in time.",
    'Check the folder or the URL that the message names.',
  ],
  'plugin/state-too-large': [
    'The result of `getState` is larger than the limit.',
    'Keep large data in `ctx.storage`.',
  ],
  'plugin/timeout': [
    "A step of the plugin's life took longer than its limit.",
    'Find what it waits for, or raise the limit (`limits.activate`, `deactivate`, `hook`, `read`).',
  ],
  'plugin/unavailable': [
    'The plugins that could answer are stopped, failed, disabled or denied. Each is named with its reason.',
    'Start one of them; `kernel.plugins.explain(id)` names the next step.',
  ],
  'plugin/unsatisfied': [
    'No installed version, or no provider, is in the range that is needed. The message names what was found.',
    'Install a version in the range, or widen the range.',
  ],
  'profile/unavailable': [
    "The plugin can't be profiled here; the message says why.",
    'Use Node, and a guest of its own that runs.',
  ],
  'recording/invalid': [
    "The recording can't be used: it is damaged, incomplete or of another format.",
    'Record again. See [recording](recording.md).',
  ],
  'registry/damaged': [
    'What was stored of a plugin is damaged. Its last good copy is used if there is one.',
    'Check the storage. Make the decisions about the plugin again if they are lost.',
  ],
  'registry/newer-format': [
    'What was stored was written by a newer kernel. It is not touched.',
    'Use the newer kernel.',
  ],
  'runtime/insecure-context': [
    'The page is no secure context, and the browser hides what the kernel requires.',
    'Serve the page over HTTPS, or from `localhost`.',
  ],
  'scope/disposed': [
    'A plugin used its context after it had stopped.',
    'Stop timers and loops with `ctx.signal`, `ctx.own` or `ctx.defer`.',
  ],
  'secret/invalid': [
    'A secret is empty or too long, or the plugin has too many.',
    'Keep to the limits that the message names.',
  ],
  'secret/locked': [
    "Stored secrets can't be read with this key. Nothing has changed.",
    'Start the kernel with the right `secrets.key`.',
  ],
  'service/captive': [
    'A service would hold one that ends before it.',
    'Give the holder the shorter lifetime, or get the other when it is used.',
  ],
  'service/cycle': [
    'Services need each other. The message has the path.',
    'Get one of them when it is used.',
  ],
  'service/duplicate': ['The token is provided already.', 'Provide each token once.'],
  'service/ended': [
    'The kernel or the scope of the service has ended.',
    'Use services only while their scope lives.',
  ],
  'service/failed': ["A service couldn't be made or ended.", 'Look at the `cause`.'],
  'service/invalid': [
    "A service lacks its token or `create`, or its lifetime isn't one.",
    'Correct what the message names.',
  ],
  'service/no-scope': [
    'A scoped service was asked for outside of a scope.',
    'Use `kernel.services.createScope()`.',
  ],
  'service/unknown': ['No service has this token.', 'Provide it before it is used.'],
  'signature/expired': [
    'The signature is no longer valid.',
    'Sign again with `plinth sign`; check the clock.',
  ],
  'signature/file-changed': [
    'A signed file was changed.',
    'Deliver the package as it was signed, or sign it again.',
  ],
  'signature/file-missing': [
    'A signed file is missing.',
    'Deliver the whole package, or sign it again.',
  ],
  'signature/file-unlisted': [
    "The package has a file that the signature doesn't cover.",
    'Remove the file, or sign the package again.',
  ],
  'signature/invalid': [
    "The signature doesn't fit what it signs.",
    'Treat the package as changed. Get it again from its publisher.',
  ],
  'signature/malformed': [
    '`plugin.sig.json` is not well formed.',
    'Sign again with `plinth sign`.',
  ],
  'signature/mismatch': [
    'The signature was made for another plugin or version.',
    'Deliver the signature that belongs to the package.',
  ],
  'signature/missing': [
    'The policy requires a signature, and there is none.',
    'Sign with `plinth sign`, or trust the plugin in the policy.',
  ],
  'signature/no-trust-store': [
    "Signatures can't be checked: the trusted keys can't be read.",
    'Set `policy.signatures`, or correct what provides the keys.',
  ],
  'signature/revoked-key': [
    'The key that signed was revoked.',
    'Sign with a valid key, and ask the publisher why.',
  ],
  'signature/rollback': [
    'A later version has run here, and an older one may have faults that it lacks.',
    'Install the later version. See [trust](security.md#trust-and-signatures).',
  ],
  'signature/scope': [
    'The key may not sign plugins with this id.',
    'Sign with the right key, or add the scope to it in the policy.',
  ],
  'signature/unknown-key': [
    'The key that signed is not among the trusted ones.',
    'Add its public key to `policy.signatures.keys` if you trust it.',
  ],
  'sql/constraint': [
    'A row breaks a rule of its table: it is there already, or refers to a row that is not. The message is that of the database.',
    'Check the values, or write `onConflict`. A plugin tells users so with an error of its contract.',
  ],
  'sql/denied': [
    'The statement does what no plugin may: attach files, set pragmas, load code, change the list of migrations, or begin a transaction by hand.',
    'Write it otherwise; transactions are `db.transaction()`. See [SQL](sql.md).',
  ],
  'sql/failed': [
    'The database refused the statement, or there is none. The message is its own, and `details.sqlite` or `details.sqlstate` has its code.',
    'Correct the statement.',
  ],
  'sql/interrupted': [
    'The database process (in a page the worker) or the connection to the server has ended or can not be had, another transaction was faster, or a transaction was open for too long. Where `retryable` is true, nothing was kept.',
    'Run the transaction again if it is retryable; otherwise look first whether the statement was done.',
  ],
  'sql/invalid': [
    'The statement or a parameter is none that a database takes. The message names the parameter.',
    'Pass null, numbers, bigints of 64 bits, text, bytes, dates or booleans; write one statement at a time.',
  ],
  'sql/locked': [
    'A transaction writes for longer than statements wait, too many transactions are open, or another tab has something open.',
    'Keep transactions short. Inside of one, use the transaction and not the database itself.',
  ],
  'sql/migration-changed': [
    'A migration has another text than when it ran, or a new one has a lower number than one that has run.',
    'Restore its text, and write a new migration with the highest number for what is to change.',
  ],
  'sql/migration-denied': [
    'A migration would lose data, and the application does not allow that.',
    'Allow it with the option that the message shows, after a backup.',
  ],
  'sql/migration-failed': [
    'A migration failed. All migrations of that start are undone.',
    'Correct the migration; it has not run, so its text may change.',
  ],
  'sql/migration-missing': [
    'A migration has run that this version does not have, and it was more than an addition; or the file of one cannot be read.',
    'Start a version that has it, restore a backup from before it, or correct the path in `contributes.sql.migrations`.',
  ],
  'sql/quota': ['The database is full.', 'Delete rows, or raise `limits.quota` of `sql()`.'],
  'sql/timeout': [
    'A statement took too long and was ended, or the plugin rests after several of them.',
    'Limit it, or give it an index. `limits.time` of `sql()` is the bound.',
  ],
  'sql/too-large': [
    'A result, a row or the memory of a statement is larger than the limits.',
    'Limit the query, or read it with `.stream()`.',
  ],
  'storage/conflict': [
    'Too many writers changed the key at the same time.',
    'Retry; change the key less often.',
  ],
  'storage/corrupt': [
    'A stored value is damaged. It was set aside, and its key counts as absent. Or a file of a database is damaged, or none.',
    'Check the disk; restore the value or the database from a backup.',
  ],
  'storage/failed': [
    "The storage can't be used. `details.reason` is what the system says.",
    'Make room, or correct the rights of the folder or the page.',
  ],
  'storage/invalid-key': [
    'A key is not a text, is empty or is too long.',
    'Use short texts as keys.',
  ],
  'storage/locked': [
    'Another process owns the folder, or writes to the database for too long. The message names what is held.',
    'Stop it, or use another folder. Several processes may share a storage in SQL.',
  ],
  'storage/quota': [
    "The write exceeds the plugin's quota or number of keys. Nothing was written.",
    'Delete what is no longer needed, or raise `permissions.storage.quota` and the policy.',
  ],
  'stream/invalid-item': [
    "An item of a stream doesn't fit its schema. The source is at fault, and the stream has ended.",
    'Correct the source or the schema.',
  ],
  'stream/locked': ['A stream was read twice.', 'Read it once, or ask for it again.'],
  'stream/unread': [
    'A stream was not read in time, and was ended.',
    'Read or `cancel()` every stream, or raise `limits.unread`.',
  ],
  'value/invalid': [
    "A value can't cross: a function, a class instance, a circle. The message has its path.",
    'Send [values](wire.md#values) that can cross.',
  ],
  'wire/refused': [
    'A guest broke the protocol. What it sent was refused and counted, and it may be ended.',
    'Treat the plugin as hostile or damaged; look at the audit.',
  ],
};
