export default {
  activate(ctx) {
    ctx.commands.handle('greet', (name) => `hello ${name}`);
  },
};
