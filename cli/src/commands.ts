/** The commands of the program, with their options and examples. */
import type { CommandSpec } from './command.js';

const PROJECT = ['--project <folder>', 'folder of the project (default: .)'] as const;
/** Where an operator's command works: on a project, or on a kernel that runs. */
const PLACE = [
  PROJECT,
  ['--url <address>', 'a running kernel, by its admin API, in place of a project'],
  ['--token <token>', 'token for --url (default: PLINTH_TOKEN, which is better kept)'],
  ['--tenant <id>', 'tenant of the kernel at --url'],
] as const;
const OWNER = ['--owner <owner>', 'consent to a new owner of the id, by name'] as const;
const ENTRY = ['--entry <file>', 'source file (default: src/index)'] as const;

/** For authors: from an idea to a package. */
const AUTHORING: readonly CommandSpec[] = [
  {
    usage: 'create [name]',
    summary: 'make a new plugin, or an application with one',
    options: [
      [
        '--template <template>',
        'minimal, http, ui, sql, app-node, app-vite or app-react (default: minimal)',
      ],
      ['--language <language>', 'ts or js (default: ts)'],
      ['--id <id>', "the plugin's id (default: com.example.<name>)"],
      ['--yes', 'ask nothing'],
    ],
    examples: [
      'plinth create notes',
      'plinth create notes --id com.acme.notes --language js',
      'plinth create shop --template app-node',
    ],
    load: () => import('./commands/create.js'),
  },
  {
    usage: 'bundle [path]',
    summary: 'make one module, a complete manifest and an archive of a plugin',
    options: [
      ['--out <folder>', 'folder of the package, relative to the plugin (default: dist/plugin)'],
      ENTRY,
      ['--no-minify', 'leave the code readable'],
      ['--no-archive', 'write no .plinth archive'],
      ['--max-size <size>', 'largest bundle (default: 4MB)'],
    ],
    examples: [
      'plinth bundle',
      'plinth bundle plugins/notes --out ../../public/notes --no-archive',
    ],
    load: () => import('./commands/bundle.js'),
  },
  {
    usage: 'validate [path]',
    summary: 'check a plugin: manifest, code, permissions, globals, digests, compatibility',
    options: [
      ['--fix', 'add missing permissions to plugin.json'],
      ['--against <path>', 'the last released version: a package or an archive'],
      ENTRY,
      ['--format <format>', 'text or sarif (default: text)'],
    ],
    examples: [
      'plinth validate plugins/notes',
      'plinth validate --against released/com.example.notes-1.0.0.plinth',
      'plinth validate --format sarif > plinth.sarif',
    ],
    load: () => import('./commands/validate.js'),
  },
  {
    usage: 'test [path]',
    summary: 'validate a plugin, check how it runs, and run its own tests',
    options: [
      [
        '--samples <file>',
        'JSON of right inputs, a list for each command: {"add": [{"text": "milk"}]}',
      ],
      ['--with <paths>', 'plugins that it depends on, separated by commas'],
      ['--previous <path>', 'an earlier version, which this one has to replace without harm'],
      ['--budget <ms>', 'most milliseconds of a call with a sample'],
      ['--junit <file>', 'write the report as JUnit XML, too'],
    ],
    examples: [
      'plinth test',
      'plinth test plugins/notes --samples test/samples.json --budget 20',
      'plinth test --previous released/com.example.notes-1.0.0.plinth --junit report.xml',
    ],
    load: () => import('./commands/test.js'),
  },
  {
    usage: 'keygen',
    summary: 'make a pair of keys for signing',
    options: [['--out <file>', 'file of the secret key (default: plinth.key)']],
    examples: ['plinth keygen', 'plinth keygen --out keys/acme.key'],
    load: () => import('./commands/keygen.js'),
  },
  {
    usage: 'sign <path>',
    summary: 'sign a package: a folder or an archive',
    options: [
      ['--key <file>', 'secret key (default: plinth.key)'],
      ['--expires <date>', 'day after which the signature is not valid any more'],
    ],
    examples: ['plinth sign dist/plugin', 'plinth sign dist/com.example.notes-1.0.0.plinth'],
    load: () => import('./commands/sign.js'),
  },
  {
    usage: 'verify <path>',
    summary: 'check the signature of a package',
    options: [
      ['--key <file>', 'public key that is trusted (default: plinth.pub)'],
      ['--trust <file>', 'store of trusted keys, as JSON, in place of --key'],
    ],
    examples: ['plinth verify dist/com.example.notes-1.0.0.plinth --key acme.pub'],
    load: () => import('./commands/verify.js'),
  },
  {
    usage: 'dev',
    summary: 'run a project, and swap a plugin after each save, with its state',
    options: [
      PROJECT,
      ['--inspect [port]', 'let a debugger attach (default port: 9229)'],
      ['--keep', 'keep data in the data folder; in memory when absent'],
    ],
    examples: ['plinth dev', 'plinth dev --inspect'],
    load: () => import('./commands/dev.js'),
  },
];

/** For operators: what a project runs. */
const OPERATING: readonly CommandSpec[] = [
  {
    usage: 'run',
    summary: 'run the plugins of a project until it is stopped',
    options: [PROJECT],
    examples: ['plinth run', 'plinth run --project services/notes'],
    load: () => import('./commands/run.js'),
  },
  {
    usage: 'exec <command> [json]',
    summary: 'run one command of a plugin',
    options: [...PLACE, ['--timeout <ms>', 'milliseconds that it may take']],
    examples: [
      `plinth exec com.example.notes:add '{"text":"hello"}'`,
      'plinth exec com.example.notes:add - < note.json',
    ],
    load: () => import('./commands/exec.js'),
  },
  {
    usage: 'commands',
    summary: 'list the commands that plugins of a project add to plinth',
    options: [PROJECT],
    examples: ['plinth commands', 'plinth commands --json'],
    load: async () => {
      const { listing } = await import('./commands/commands.js');
      return { run: listing(RESERVED) };
    },
  },
  {
    usage: 'list',
    summary: 'list the plugins of a project',
    options: [...PLACE],
    examples: [
      'plinth list',
      'plinth list --json',
      'plinth list --url https://notes.example.com --tenant acme',
    ],
    load: () => import('./commands/list.js'),
  },
  {
    usage: 'info <id>',
    summary: 'show what a plugin is and can do',
    options: [...PLACE],
    examples: ['plinth info com.example.notes'],
    load: () => import('./commands/info.js'),
  },
  {
    usage: 'install <path>',
    summary: 'add a plugin for good: sources, a package, an archive, or the URL of one',
    options: [...PLACE, OWNER],
    examples: [
      'plinth install com.example.notes-1.0.0.plinth',
      'plinth install https://plugins.example.com/notes.plinth',
    ],
    load: () => import('./commands/install.js'),
  },
  {
    usage: 'uninstall <id>',
    summary: 'remove a plugin',
    options: [...PLACE, ['--purge', 'also delete its data, secrets, settings and grants']],
    examples: ['plinth uninstall com.example.notes', 'plinth uninstall com.example.notes --purge'],
    load: () => import('./commands/uninstall.js'),
  },
  {
    usage: 'enable <id>',
    summary: 'allow a plugin to run again',
    options: [...PLACE],
    examples: ['plinth enable com.example.notes'],
    load: () => import('./commands/enable.js'),
  },
  {
    usage: 'disable <id>',
    summary: 'stop a plugin until it is enabled',
    options: [...PLACE],
    examples: ['plinth disable com.example.notes'],
    load: () => import('./commands/disable.js'),
  },
  {
    usage: 'update <path>',
    summary: 'replace a plugin by a later version',
    options: [...PLACE, OWNER, ['--consent', 'grant what the new version asks for']],
    examples: ['plinth update com.example.notes-1.1.0.plinth --consent'],
    load: () => import('./commands/update.js'),
  },
  {
    usage: 'rollback <id>',
    summary: 'take back the last update of a plugin',
    options: [...PLACE],
    examples: ['plinth rollback com.example.notes'],
    load: () => import('./commands/rollback.js'),
  },
  {
    usage: 'explain <id>',
    summary: "say why a plugin runs or doesn't",
    options: [...PLACE],
    examples: ['plinth explain com.example.notes'],
    load: () => import('./commands/explain.js'),
  },
  {
    usage: 'report [id]',
    summary: 'show calls, errors, times and resources over time',
    options: [
      ...PLACE,
      ['--hours <count>', 'hours until now (default: 1)'],
      ['--format <format>', 'text or csv (default: text)'],
    ],
    examples: ['plinth report', 'plinth report com.example.notes --hours 24 --format csv'],
    load: () => import('./commands/report.js'),
  },
  {
    usage: 'usage [id]',
    summary: 'show what plugins use: memory, CPU, storage, messages, time to start',
    options: [...PLACE],
    examples: ['plinth usage', 'plinth usage com.example.notes --json'],
    load: () => import('./commands/usage.js'),
  },
  {
    usage: 'logs [id]',
    summary: 'show what was logged, also while the project runs',
    options: [
      ...PLACE,
      ['--lines <count>', 'most entries (default: 50)'],
      ['--level <level>', 'least level: debug, info, warn or error'],
      ['--follow', 'also show entries that come, until Ctrl-C'],
    ],
    examples: ['plinth logs com.example.notes --level warn', 'plinth logs --follow'],
    load: () => import('./commands/logs.js'),
  },
  {
    usage: 'config',
    summary: 'read and change settings of plugins',
    examples: [
      'plinth config get com.example.notes',
      'plinth config set com.example.notes max 500',
    ],
    commands: [
      {
        usage: 'get <id> [key]',
        summary: 'show settings, and where each comes from',
        options: [...PLACE],
        examples: [
          'plinth config get com.example.notes',
          'plinth config get com.example.notes max',
        ],
        load: () => import('./commands/config-get.js'),
      },
      {
        usage: 'set <id> <key> <json>',
        summary: 'change a setting for good',
        options: [...PLACE],
        examples: ['plinth config set com.example.notes max 500'],
        load: () => import('./commands/config-set.js'),
      },
    ],
  },
  {
    usage: 'secrets',
    summary: 'give plugins secrets',
    examples: ['plinth secrets set com.example.notes token < token.txt'],
    commands: [
      {
        usage: 'set <id> <name>',
        summary: 'keep a secret from stdin, encrypted',
        options: [...PLACE],
        examples: ['plinth secrets set com.example.notes token < token.txt'],
        load: () => import('./commands/secrets-set.js'),
      },
    ],
  },
  {
    usage: 'data',
    summary: 'see, move and delete what plugins keep',
    examples: ['plinth data list', 'plinth data purge com.example.notes --yes'],
    commands: [
      {
        usage: 'list [id]',
        summary: 'list what each plugin keeps, or the keys of one',
        options: [...PLACE],
        examples: ['plinth data list', 'plinth data list com.example.notes'],
        load: () => import('./commands/data-list.js'),
      },
      {
        usage: 'export <id> [file]',
        summary: 'write everything that a plugin keeps to a file, or to stdout',
        options: [...PLACE],
        examples: [
          'plinth data export com.example.notes notes.data',
          'plinth data export com.example.notes > notes.data',
        ],
        load: () => import('./commands/data-export.js'),
      },
      {
        usage: 'import <id> <file>',
        summary: 'give a plugin what an export of it has, beside what it keeps: all or nothing',
        options: [...PLACE],
        examples: ['plinth data import com.example.notes notes.data'],
        load: () => import('./commands/data-import.js'),
      },
      {
        usage: 'purge <id>',
        summary: 'delete what a plugin keeps',
        options: [...PLACE, ['--yes', 'do it: it cannot be undone']],
        examples: ['plinth data purge com.example.notes --yes'],
        load: () => import('./commands/data-purge.js'),
      },
    ],
  },
  {
    usage: 'migrate',
    summary: 'run the migrations of databases that are due, without starting the plugins',
    options: [
      PROJECT,
      ['--plugin <id>', 'one plugin alone'],
      ['--tenant <id>', 'one tenant alone (default: all that have a database)'],
      ['--dry-run', 'list what is due, with checksums, and change nothing'],
      ['--allow <names>', 'migrations that may lose data, separated by commas'],
      ['--yes', 'let all that are due lose data'],
    ],
    examples: [
      'plinth migrate --dry-run',
      'plinth migrate --plugin com.example.notes --allow 0004_drop_drafts',
    ],
    load: () => import('./commands/migrate.js'),
  },
  {
    usage: 'audit',
    summary: 'check and export the audit log',
    examples: ['plinth audit verify', 'plinth audit export --out audit.json'],
    commands: [
      {
        usage: 'verify',
        summary: 'say whether the log is whole',
        options: [...PLACE, ['--since <file>', 'an export that it has to continue']],
        examples: ['plinth audit verify --since audit.json'],
        load: () => import('./commands/audit-verify.js'),
      },
      {
        usage: 'export',
        summary: 'write the entries and the head of the log',
        options: [
          ...PLACE,
          ['--plugin <id>', 'entries about one plugin'],
          ['--out <file>', 'file to write (default: stdout)'],
        ],
        examples: ['plinth audit export --out audit.json'],
        load: () => import('./commands/audit-export.js'),
      },
    ],
  },
  {
    usage: 'doctor',
    summary: 'check this machine, the project and its plugins',
    options: [PROJECT],
    examples: ['plinth doctor'],
    load: () => import('./commands/doctor.js'),
  },
  {
    usage: 'completion <shell>',
    summary: 'write the script that completes commands, options and ids: bash, zsh or fish',
    examples: ['plinth completion fish | source', 'eval "$(plinth completion bash)"'],
    load: () => import('./commands/completion.js'),
  },
];

/** In the order in which they are met. */
export const COMMANDS: readonly CommandSpec[] = [...AUTHORING, ...OPERATING];

/** Names that no plugin's command can have. */
export const RESERVED: ReadonlySet<string> = new Set([
  'help',
  ...COMMANDS.map(({ usage }) => usage.split(' ')[0] ?? ''),
]);
