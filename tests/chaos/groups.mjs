// Lists by what their elements have in common.

/** Map of `key(element)` to a list. */
export function groups(list, key) {
    const found = new Map();
    for (const each of list) {
        const group = found.get(key(each));
        if (group) group.push(each);
        else found.set(key(each), [each]);
    }
    return found;
}

/** Map of the member `key` to the element that has it. */
export const indexed = (list, key) => new Map(list.map((each) => [each[key], each]));
