const page = { mode: 'production', entry: { main: './main.js' }, performance: { hints: false } };

const plugin = {
  mode: 'production',
  entry: { plugin: './plugin/index.js' },
  experiments: { outputModule: true },
  output: {
    path: `${import.meta.dirname}/dist/plugins/greeter`,
    filename: '[name].js',
    module: true,
    library: { type: 'module' },
  },
};

export default [page, plugin];
