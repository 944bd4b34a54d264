/** Money in the store: an integer of minor units. */
export const minorUnits = {
    to: (amount: number) => Math.round(amount * 100),
    from: (minor: number) => minor / 100,
};

/** Times in the store: milliseconds since 1970, which sort and are read faster than TypeORM's texts. */
export const milliseconds = {
    to: (time: Date) => time.getTime(),
    from: (ms: number) => new Date(ms),
};
