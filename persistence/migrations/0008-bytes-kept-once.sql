-- The same bytes may be those of several attachments of a tenant: a client that keeps no session sends its images anew with
-- each request.
drop index attachments_by_content;
create index attachments_by_content on attachments (content);
create index attachments_by_hash on attachments (tenant, sha256);
