import { Injectable } from '@nestjs/common';

/** A payment provider without money: what happens is in the token. */
@Injectable()
export class SandboxProvider {
    async charge(_id: string, _amount: number, _currency: string, token: string): Promise<boolean> {
        return ['tok_success', 'tok_visa', 'tok_mastercard'].includes(token);
    }
}
