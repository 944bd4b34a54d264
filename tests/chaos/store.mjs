// Reading a store from outside, whole tables of it.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { binary } from '../system/support.mjs';

const program = path.join(path.dirname(binary), 'tests/sql');
const TEXT_MAX = 1024 * 1024 * 1024;

/** The rows as objects, `columns` in the order of the statement's; all values are texts. */
export function rows(file, columns, statement) {
    const text = execFileSync(program, [file, statement], { encoding: 'utf8', maxBuffer: TEXT_MAX });
    return text.split('\n').slice(0, -1).map((line) => {
        const values = line.split('\t');
        return Object.fromEntries(columns.map((column, i) => [column, values[i]]));
    });
}

/** The only number of the only row. */
export const number = (file, statement) => Number(rows(file, ['n'], statement)[0].n);
