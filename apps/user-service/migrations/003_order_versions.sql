-- Which event an order's row stands for, so that an older one that comes late changes nothing.
ALTER TABLE user_orders ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
