import { join } from 'node:path';

// The packages are two folders above.
export default { turbopack: { root: join(import.meta.dirname, '..', '..') } };
