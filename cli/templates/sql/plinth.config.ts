import { defineConfig } from '@plinth/cli';
import { sql } from '@plinth/sql/host';

export default defineConfig({ extensions: [sql({ directory: './databases' })] });
