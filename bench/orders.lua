-- What wrk sends in the scenarios c, d and e.
--
-- usage: wrk -s orders.lua URL -- create|read|mix TOKEN ID...
--     the ids are orders of the token's user, which are read in turn
--
-- `mix` repeats a cycle of 20 requests: 14 read an order, 3 list the newest 20, 2 order something, and 1
-- pays for an order that was made by an earlier request and has not been paid. As the first of these have
-- not been answered when the first payment is due, the first payments are replaced by orders. `done` prints
-- what share each kind had.
local CYCLE = 'read read list read read create read read read list read read pay read read create read list read read'

local BODY = [[{"items":[
{"productId":"book-1","name":"Ion","price":49.9,"quantity":2},
{"productId":"book-2","name":"Pădurea spânzuraților","price":35.25,"quantity":1}],
"shippingAddress":{"street":"Strada Lungă 1","city":"Iași","postalCode":"700001","country":"RO"},
"paymentMethod":"card"}]]
local PAYMENT = '{"paymentToken":"tok_success"}'

local threads = {}
local reads, unpaid = {}, {}
local headers, list, order
local at = 0
read_count, list_count, create_count, pay_count = 0, 0, 0, 0

local make = {}

function make.read()
    read_count = read_count + 1
    return reads[read_count % #reads + 1]
end

function make.list()
    list_count = list_count + 1
    return list
end

function make.create()
    create_count = create_count + 1
    return order
end

function make.pay()
    local id = table.remove(unpaid)
    if not id then return make.create() end
    pay_count = pay_count + 1
    return wrk.format('POST', '/orders/' .. id .. '/payments', headers, PAYMENT)
end

-- wrk calls response for each answer if there is such a function, so only the mix has one.
local function note_order(status, _, body)
    if status == 201 and body:find('"shippingAddress"', 1, true) then
        table.insert(unpaid, body:match('"id":"([%x-]+)"'))
    end
end

function setup(thread)
    table.insert(threads, thread)
end

function init(args)
    local kinds = {}
    for kind in (args[1] == 'mix' and CYCLE or args[1]):gmatch('%a+') do
        table.insert(kinds, make[kind])
    end
    headers = { Authorization = 'Bearer ' .. args[2], ['Content-Type'] = 'application/json' }
    for i = 3, #args do
        table.insert(reads, wrk.format('GET', '/orders/' .. args[i], headers))
    end
    list = wrk.format('GET', '/orders?limit=20', headers)
    order = wrk.format('POST', '/orders', headers, BODY)
    response = args[1] == 'mix' and note_order or nil
    function request()
        at = at % #kinds + 1
        return kinds[at]()
    end
end

function done()
    for _, kind in ipairs({ 'read', 'list', 'create', 'pay' }) do
        local count = 0
        for _, thread in ipairs(threads) do
            count = count + thread:get(kind .. '_count')
        end
        print('sent ' .. kind .. '=' .. count)
    end
end
