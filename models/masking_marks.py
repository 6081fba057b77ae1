"""What the masking rules share: the shape of a find, and the sign for a place where something was found before."""

import re

GONE = "\ue000"
"""Stands where personal data was taken out; no rule reads through it."""

Found = tuple[int, int, str]
"""(start, end, kind) in the text that a rule was given."""

SPOKEN = "零〇一二三四五六七八九幺两"
"""Digits as they are said; 幺 is one, 两 is two."""

TO_DIGIT = {**{d: str(d) for d in "0123456789"}, **dict(zip(SPOKEN, "00123456789" + "12", strict=True))}

DOCUMENT_BEFORE = re.compile(
    r"(?:工单|订单|单|合同|案件|立案|受理|办件|业务|回执|文|票|车票|发票|运单|快递|物流|流水|批准|许可|执照|备案|登记|"
    r"信用|凭证|户|客户|用户|水表|电表|气表|表|设备|条形?|批|产品|商品|取件|参考|交易|回单|事项|项目|标段|网格)"
    r"(?:编号|编码|号码|号|代码|码|ID|id)(?:[是为叫]|[:\s]|\(|尾号){0,3}[A-Za-z]{0,6}[-_ ]?$"
)
"""The number that follows is that of a document or a thing, not of a person."""

AMOUNT_AFTER = re.compile(
    r"\s?(?:多?[元块万亿角]|千|百|平|㎡|m2|M2|米|公里|公斤|吨|斤|度|方|立方|千瓦|人民币|户|人|名|个|家|张|辆|条|件|次|"
    r"年|月|日|号(?!码)|岁|分钟|小时|天|%|多[人户名个])"
)
"""The number before it counts something."""
