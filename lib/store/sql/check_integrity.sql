SELECT integrity_check AS what FROM pragma_integrity_check(20) WHERE integrity_check <> 'ok'
