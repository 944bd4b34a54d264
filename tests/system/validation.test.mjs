// What NestJS's ValidationPipe says to a body, to the letter. The cases are what the real packages
// (@nestjs/common 12, class-validator 0.15) answered with {transform, whitelist,
// forbidNonWhitelisted} and this class:
//
//     class CreateUserDto {
//         @IsEmail() @MaxLength(254) email
//         @IsString() @MinLength(8) password
//         @IsString() @IsNotEmpty() @MaxLength(100) name
//         @IsOptional() @ValidateNested() @Type(() => Profile) profile
//     }
//     class Profile { firstName, lastName, phone: @IsOptional() @IsString() @Length(1, 100)
//                     language: @IsOptional() @IsIn(['ro', 'en']) }
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { freshEmail, someone, start } from './support.mjs';

const cuib = await start();
after(() => cuib.stop());

const cases = JSON.parse(readFileSync(new URL('validation-cases.json', import.meta.url)));
const refused = (message) => JSON.stringify({ message, error: 'Bad Request', statusCode: 400 });
const repeated = (text, times) => text.repeat(times);

describe('a body to POST /users is answered as NestJS does:', { concurrency: 8 }, () => {
    for (const { title, body, type = 'application/json', status, message } of cases) {
        test(title, async () => {
            const options = body === null ? {} : {
                body: body.replace('"EMAIL"', JSON.stringify(freshEmail())),
                headers: { 'Content-Type': type },
            };
            const answer = await cuib.post('/users', options);
            assert.equal(answer.status, status, answer.text);
            if (status !== 201) assert.equal(answer.text, refused(message));
        });
    }
});

describe('a password has at most 72 bytes', () => {
    const rows = [
        ['72 letters', repeated('x', 72), 201],
        ['73 letters', repeated('x', 73), 400],
        ['36 letters of two bytes', repeated('ă', 36), 201],
        ['37 letters of two bytes', repeated('ă', 37), 400],
        ['18 emoji', repeated('😀', 18), 201],
        ['19 emoji', repeated('😀', 19), 400],
    ];
    for (const [title, password, status] of rows) {
        test(title, async () => {
            const fields = { ...someone(), password };
            const answer = await cuib.post('/users', { body: fields });
            assert.equal(answer.status, status, answer.text);
            if (status === 201) await cuib.token(fields.email, password);
            else assert.match(String(answer.json.message), /^password [^,]*$/);
        });
    }
});

test('a list is no profile, not even an empty one', async () => {
    const answer = await cuib.post('/users', { body: { ...someone(), profile: [] } });
    assert.equal(answer.status, 400, answer.text);
});

test('a password with a NUL is refused, because bcrypt would stop there', async () => {
    const body = { ...someone(), password: 'correct\0horse' };
    const answer = await cuib.post('/users', { body });
    assert.equal(answer.status, 400, answer.text);
});

describe('a body to PUT /users/:id', async () => {
    const admin = await cuib.admin();
    const { id } = await cuib.register();
    const rows = [
        ['an e-mail', { email: 'nope' }, ['email must be an email']],
        ['a password', { password: 'short' },
            ['password must be longer than or equal to 8 characters']],
        ['a name', { name: '' }, ['name should not be empty']],
        ['a profile', { profile: { language: 'de', x: 1 } },
            ['profile.property x should not exist',
                'profile.language must be one of the following values: ro, en']],
        ['unknown fields', { b: 1, a: 2 },
            ['property b should not exist', 'property a should not exist']],
        ['everything', { x: 1, name: 5, password: '', email: 'a' },
            ['property x should not exist', 'email must be an email',
                'password must be longer than or equal to 8 characters',
                'name must be shorter than or equal to 100 characters', 'name must be a string']],
    ];
    for (const [title, body, message] of rows) {
        test(`is checked: ${title}`, async () => {
            const answer = await cuib.put(`/users/${id}`, { token: admin, body });
            assert.equal(answer.text, refused(message));
        });
    }

    const wrong = [
        { isActive: 'yes' }, { isActive: 1 }, { roles: 'admin' }, { roles: [1] },
        { roles: ['king'] },
    ];
    for (const body of wrong) {
        test(`is refused: ${JSON.stringify(body)}`, async () => {
            const answer = await cuib.put(`/users/${id}`, { token: admin, body });
            assert.equal(answer.status, 400, answer.text);
            const [field] = Object.keys(body);
            assert.ok(answer.json.message.every((text) => text.includes(field)), answer.text);
        });
    }
});

describe('a body to POST /auth/login', () => {
    for (const body of [{}, { email: 'ana@example.com' }, { email: 5, password: [] }, []]) {
        test(`is refused with 400: ${JSON.stringify(body)}`, async () => {
            const answer = await cuib.post('/auth/login', { body });
            assert.equal(answer.status, 400, answer.text);
            assert.ok(Array.isArray(answer.json.message), answer.text);
        });
    }
});
