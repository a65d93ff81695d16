-- Deliveries that are not over yet (libs.consume.outbox): a fold of the delivery streams, rebuildable. It holds
-- ids only; what is sent, and to which address, is opened from the log when it is. So it needs no row-level
-- security, like cursors.
CREATE SCHEMA notification;

CREATE TABLE notification.outbox (
    delivery text COLLATE "C" NOT NULL,
    log text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    about text COLLATE "C" NOT NULL,
    channel text NOT NULL,
    recipient text NOT NULL,
    template text NOT NULL,
    effective_at timestamptz NOT NULL,
    key text,
    attempt integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (log, delivery)
) WITH (fillfactor = 70);
CREATE INDEX outbox_delivery ON notification.outbox (delivery);
CREATE INDEX outbox_due ON notification.outbox (due_at);

GRANT USAGE ON SCHEMA notification TO heelrise_notification;
GRANT SELECT, INSERT, UPDATE, DELETE ON notification.outbox TO heelrise_notification;
