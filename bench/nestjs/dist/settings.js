const { env } = process;
/** The same names and defaults as Cuib's. PASSWORD_HASH is this side's own: which of the two packages. */
export const settings = {
    gatewayPort: Number(env.GATEWAY_PORT ?? 3000),
    userServiceHost: env.USER_SERVICE_HOST ?? '127.0.0.1',
    userServicePort: Number(env.USER_SERVICE_PORT ?? 3001),
    dataDirectory: env.CUIB_DATA_DIR ?? './var',
    jwtSecret: env.JWT_SECRET ?? '',
    bcryptCost: Number(env.BCRYPT_COST ?? 12),
    passwordHash: env.PASSWORD_HASH ?? 'bcryptjs',
};
