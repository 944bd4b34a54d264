const { env } = process;

/**
 * The same names and defaults as Cuib's. This side's own: PASSWORD_HASH, which of
 * the two packages; SQLITE_SYNCHRONOUS, which better-sqlite3 has at NORMAL for a write-ahead log.
 */
export const settings = {
    gatewayPort: Number(env.GATEWAY_PORT ?? 3000),
    userServiceHost: env.USER_SERVICE_HOST ?? '127.0.0.1',
    userServicePort: Number(env.USER_SERVICE_PORT ?? 3001),
    orderServiceHost: env.ORDER_SERVICE_HOST ?? '127.0.0.1',
    orderServicePort: Number(env.ORDER_SERVICE_PORT ?? 3002),
    dataDirectory: env.CUIB_DATA_DIR ?? './var',
    jwtSecret: env.JWT_SECRET ?? '',
    bcryptCost: Number(env.BCRYPT_COST ?? 12),
    currency: env.CURRENCY ?? 'RON',
    sqliteSynchronous: env.SQLITE_SYNCHRONOUS ?? 'NORMAL',
    passwordHash: env.PASSWORD_HASH ?? 'bcryptjs',
};
