// A gateway on NestJS as one writes it first: each route sends a message and answers what comes back.
//
// usage: PORT=N USER_SERVICE_PORT=N node nest-gateway.mjs VERSION
import { decorate, moduleOf, nest } from './nest-program.mjs';

const { common, core, microservices } = nest;
const { PORT, USER_SERVICE_PORT } = process.env;
const users = microservices.ClientProxyFactory.create({
    transport: microservices.Transport.TCP,
    options: { host: '127.0.0.1', port: Number(USER_SERVICE_PORT) },
});

class UsersController {
    create(body) {
        return users.send('user.create', body);
    }

    findOne(id) {
        return users.send('user.findById', id);
    }

    findUnknown() {
        return users.send('user.nope', {});
    }
}

const { prototype } = UsersController;
decorate(UsersController, 'create', common.Post('users'));
common.Body()(prototype, 'create', 0);
decorate(UsersController, 'findUnknown', common.Get('nope'));
decorate(UsersController, 'findOne', common.Get('users/:id'));
common.Param('id')(prototype, 'findOne', 0);

const app = await core.NestFactory.create(moduleOf(UsersController), { logger: false });
await app.listen(Number(PORT), '127.0.0.1');
console.log(`listening on ${PORT}`);
