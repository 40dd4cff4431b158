SELECT lower(hex(hash)) FROM chain
