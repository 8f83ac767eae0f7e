import commonjs from '@rollup/plugin-commonjs';
import resolve from '@rollup/plugin-node-resolve';

const plugins = [resolve({ browser: true }), commonjs()];
export default [
  {
    input: { main: 'main.js', 'plugin-worker': '@plinth/host-browser/plugin-worker' },
    plugins,
    output: { dir: 'dist' },
  },
  { input: 'plugin/index.js', plugins, output: { file: 'dist/plugins/greeter/plugin.js' } },
];
